import { DatabaseUnavailableError } from '../errors.js';
import { summary } from './faults.js';

/**
 * Whether PostgreSQL can be asked: a breaker with a probe behind it.
 *
 * 1. Only a failed probe opens it. A slow statement, a deadline that was too near or a broken connection make a suspicion,
 *    and a suspicion makes a probe; so a single bad query cannot take the database away from everybody.
 * 2. While it is open nobody touches the pool: callers fail at once, and those that were waiting fail as it opens.
 * 3. Only a successful probe closes it. Callers are never used to find out.
 */
export interface AvailabilityOptions {
  /** Asks the server on a fresh connection; rejects when there is no answer in time. */
  readonly probe: () => Promise<unknown>;
  readonly probeEveryMs: number;
}

export type DatabaseState = 'connected' | 'disconnected';

export interface StateChange {
  readonly state: DatabaseState;
  /** Why it is gone; null when it is back. */
  readonly reason: string | null;
  /** How long the state before lasted. */
  readonly afterMs: number;
}

export class Availability {
  readonly #options: AvailabilityOptions;
  readonly #listeners = new Set<(change: StateChange) => void>();
  #state: DatabaseState = 'connected';
  #since = performance.now();
  #probing = false;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** Throws at once while the database is known to be gone. */
  assertConnected(): void {
    if (this.#state === 'disconnected') throw this.refusal();
  }

  refusal(): DatabaseUnavailableError {
    const goneSeconds = (performance.now() - this.#since) / 1000;
    return new DatabaseUnavailableError('disconnected', {
      retryAfterSeconds: Math.max(1, Math.min(30, Math.ceil(goneSeconds / 4))),
    });
  }

  /** Something happened that a healthy server does not do. */
  suspect(): void {
    if (this.#state === 'connected' && !this.#probing && !this.#stopped) void this.#look();
  }

  onChange(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    this.#probing = true;
    let failure: string | null = null;
    try {
      await this.#options.probe();
    } catch (error) {
      failure = summary(error);
    }
    this.#probing = false;
    if (this.#stopped) return;
    this.#become(failure === null ? 'connected' : 'disconnected', failure);
    if (failure === null) return;
    this.#timer = setTimeout(() => void this.#look(), this.#options.probeEveryMs);
    this.#timer.unref();
  }

  #become(state: DatabaseState, reason: string | null): void {
    if (state === this.#state) return;
    const now = performance.now();
    const change = { state, reason, afterMs: now - this.#since };
    this.#state = state;
    this.#since = now;
    for (const listener of this.#listeners) listener(change);
  }
}
