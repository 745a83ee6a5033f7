/**
 * An MCP server as a process of ours, with whatever it starts itself: all of it is one process group, and ends together.
 * (`npx`, for one, is the parent of the server that it is asked for, and may leave it behind.)
 *
 * 1. It ends by itself when its input ends; what does not within `PATIENCE_MS` is told to, and then made to.
 * 2. When the process has ended, what it started is not left behind, and what it said before that is read to the end.
 * 3. What it says on its standard error goes nowhere, and cannot hold it up.
 * 4. While what it says is not read (`pause`), it waits as it would for any slow reader: nothing more is held of it than one
 *    message. What is left of it when it has ended is read all the same, and is no more than its pipe holds.
 */
import { getDefaultEnvironment } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

export interface ChildCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface ChildEvents {
  readonly said: (message: JSONRPCMessage) => void;
  /** Once, for whatever reason, `close` included. */
  readonly ended: () => void;
}

export const LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024;
const PATIENCE_MS = 2000;
const LOOK_EVERY_MS = 25;

export class ChildProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #events: ChildEvents;
  readonly #patienceMs: number;
  readonly #read = new ReadBuffer({ maxBufferSize: LARGEST_MESSAGE_BYTES });
  #ended: Promise<void> | undefined;

  private constructor({ command, args, env }: ChildCommand, events: ChildEvents, patienceMs: number) {
    this.#events = events;
    this.#patienceMs = patienceMs;
    this.#child = spawn(command, [...args], {
      env: { ...getDefaultEnvironment(), ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
      // It leads a group of its own.
      detached: true,
    });
    this.#child.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    // Both tell of an end that `exit` and `close` tell of too.
    this.#child.stdin.on('error', noted);
    this.#child.stdout.on('error', noted);
    this.#child.once('exit', () => void this.close());
  }

  /** @throws the system's reason why it cannot be started */
  static async start(command: ChildCommand, events: ChildEvents, patienceMs = PATIENCE_MS): Promise<ChildProcess> {
    const started = new ChildProcess(command, events, patienceMs);
    await once(started.#child, 'spawn');
    // Signals that do not reach it, for one.
    started.#child.on('error', noted);
    return started;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** @throws Error when it has ended, or reads nothing of what it is sent */
  send(message: JSONRPCMessage): void {
    const { stdin } = this.#child;
    if (this.#ended !== undefined || stdin.destroyed) throw new Error('the process of the MCP server has ended');
    if (stdin.writableLength > LARGEST_MESSAGE_BYTES) throw new Error('the MCP server does not read what it is sent');
    stdin.write(serializeMessage(message));
  }

  pause(): void {
    if (this.#ended === undefined) this.#child.stdout.pause();
  }

  resume(): void {
    this.#child.stdout.resume();
  }

  /** Resolves when nothing of it is left. */
  close(): Promise<void> {
    return (this.#ended ??= this.#end());
  }

  async #end(): Promise<void> {
    const { stdin, stdout } = this.#child;
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    stdin.end();
    stdout.resume();
    // What is left of a group whose leader has ended waits for nothing any more.
    if (!(await this.#isGoneWithin(this.#hasExited ? 0 : this.#patienceMs))) {
      this.#signal('SIGTERM');
      if (!(await this.#isGoneWithin(this.#patienceMs))) this.#signal('SIGKILL');
    }
    // Somebody who has left the group may hold the pipe still.
    const longEnough = setTimeout(() => stdout.destroy(), this.#patienceMs);
    await closed;
    clearTimeout(longEnough);
    this.#events.ended();
  }

  get #hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #isGoneWithin(ms: number): Promise<boolean> {
    const until = performance.now() + ms;
    while (!this.#hasExited || this.#signal(0)) {
      if (performance.now() >= until) return false;
      await pause(LOOK_EVERY_MS);
    }
    return true;
  }

  /** False: nobody is left in the group. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.pid, signal);
    } catch {
      return false;
    }
  }

  #take(chunk: Buffer): void {
    try {
      this.#read.append(chunk);
    } catch {
      // A message without an end.
      void this.close();
      return;
    }
    for (let message = this.#next(); message !== null; message = this.#next()) this.#events.said(message);
  }

  #next(): JSONRPCMessage | null {
    for (;;) {
      try {
        return this.#read.readMessage();
      } catch {
        // A line that is no message: the next one may be.
      }
    }
  }
}

function noted(): void {}
