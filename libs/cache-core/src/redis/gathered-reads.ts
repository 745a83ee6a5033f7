import { Command, type Redis } from 'ioredis';

/**
 * Reads of strings that are asked for in one turn of the event loop leave as one MGET: one command to write, one reply to
 * take apart and one deadline for all of them, where a pipeline has each of these for every caller.
 *
 * Invariant: the keys of one caller are never parted, so that what he gets stood beside each other at one moment.
 */
export type Values = readonly (Buffer | null)[];

/** So that no single command keeps Redis from its other clients for long. */
const MOST_KEYS = 256;

interface Waiting {
  /** Where his values begin in the reply, and where they end. */
  readonly from: number;
  readonly to: number;
  readonly resolve: (values: Values) => void;
  readonly reject: (error: unknown) => void;
}

export class GatheredReads {
  readonly #send: (keys: readonly string[]) => Promise<Values>;
  #keys: string[] = [];
  #waiting: Waiting[] = [];

  constructor(send: (keys: readonly string[]) => Promise<Values>) {
    this.#send = send;
  }

  read(keys: readonly string[]): Promise<Values> {
    if (this.#keys.length > 0 && this.#keys.length + keys.length > MOST_KEYS) this.#leave();
    // After the sockets have been read: every request that came in this turn is aboard.
    if (this.#keys.length === 0) setImmediate(() => this.#leave());
    const from = this.#keys.length;
    this.#keys.push(...keys);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ from, to: this.#keys.length, resolve, reject });
    });
  }

  #leave(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const keys = this.#keys;
    this.#waiting = [];
    this.#keys = [];
    this.#send(keys).then(
      (values) => {
        for (const { from, to, resolve } of waiting) resolve(values.slice(from, to));
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}

/** Not by ioredis's own method, which would keep it for a pipeline until the next turn of the event loop. */
export function mget(client: Redis, keys: readonly string[]): Promise<Values> {
  return client.sendCommand(new Command('mget', [...keys], { replyEncoding: null })) as Promise<Values>;
}
