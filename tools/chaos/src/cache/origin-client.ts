import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Reach } from './entries.js';

/** Asks the origin; answers come in the order of the questions. */
export class OriginClient {
  readonly #socket: Socket;
  readonly #waiting: ((version: number) => void)[] = [];

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    createInterface({ input: this.#socket }).on('line', (line) => this.#waiting.shift()?.(Number(line)));
  }

  read(entry: number): Promise<number> {
    return this.#ask(`read ${entry}`);
  }

  /** The version that everything under `reach` has from now on. */
  write({ kind, index }: Reach): Promise<number> {
    return this.#ask(`write ${kind} ${index}`);
  }

  #ask(line: string): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(`${line}\n`);
    });
  }
}
