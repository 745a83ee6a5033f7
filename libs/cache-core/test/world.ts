import { setTimeout as pause } from 'node:timers/promises';
import { keyspace } from '../src/index.js';
import type { Process } from './cache-process.js';

/** Longer than two processes differ in when they notice, on a busy machine too. */
export const HOLD = { holdAfterRestartMs: 3000, commandTimeoutMs: 3000 };
/** After so long a silence a server of these tests is replaced. */
export const REPLACED_AFTER_MS = 4000;

/** Of a load whose release was lost others wait for the end. */
export const SHORT_LEASES = { leaseMs: 2000 };

/** Their slots lie in each third; so do those of their sidecars. */
export const KEYS = Array.from({ length: 24 }, (_, n) => `k${n}`);
export const app = (key: string) => keyspace.appValue.at({ key });
export const addresses = (text: string) =>
  text.split(',').map((one) => ({ host: '127.0.0.1', port: Number(one.slice(one.lastIndexOf(':') + 1)) }));

/** An origin whose values change, and readers that never stop asking for them. */
export class World {
  readonly failures: unknown[] = [];
  /** Reads that began after an invalidation was acknowledged and got what it had removed. */
  readonly stale: string[] = [];
  readonly #values = new Map<string, number>(KEYS.map((key) => [key, 0]));
  readonly #promised = new Map<string, number>(KEYS.map((key) => [key, 0]));
  readonly #processes: readonly Process[];
  readonly #over = new AbortController();
  #reading: Promise<unknown> = Promise.resolve();

  constructor(processes: readonly Process[]) {
    this.#processes = processes;
  }

  async read(process: Process, key: string): Promise<void> {
    const least = this.#promised.get(key) as number;
    try {
      const { value } = await process.aside.getOrLoad(app(key), async () => this.#values.get(key));
      if (Number(value) < least) this.stale.push(`${key}: ${String(value)} after ${least}`);
    } catch (error) {
      this.failures.push(error);
    }
  }

  readAll(process: Process): Promise<unknown> {
    return Promise.all(KEYS.map((key) => this.read(process, key)));
  }

  begin(): void {
    const reader = async (process: Process): Promise<void> => {
      while (!this.#over.signal.aborted) {
        await this.readAll(process);
        await pause(2);
      }
    };
    this.#reading = Promise.all(this.#processes.map(reader));
  }

  /** The value changes, and what was made from it is invalidated. Whether that was acknowledged. */
  async change(process: Process, key: string): Promise<boolean> {
    const next = (this.#values.get(key) as number) + 1;
    this.#values.set(key, next);
    const { pending } = await process.cache.invalidate({ ref: app(key) });
    if (!pending) this.#promised.set(key, next);
    return !pending;
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#reading;
  }
}

export const up = (processes: readonly Process[]): Promise<unknown> =>
  Promise.all(processes.flatMap(({ roles }) => roles.links().map((link) => link.untilUp(60_000))));
