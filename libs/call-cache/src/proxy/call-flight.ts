/**
 * A load of one answer, which other callers wait for. When all of them have left, it gives up its place in the queue at once; if
 * the service has been asked already, somebody may come back for the answer, and it is called off a while later.
 */
import type { Flight } from '@promptsales/cache-core';
import type { StoredAnswer } from '../stored/stored-answer.js';

/** What those who wait get of it. */
export type FlightEnd =
  /** `keptAtMs`: from when it ages further. */
  | { readonly kind: 'kept'; readonly answer: StoredAnswer; readonly keptAtMs: number }
  /** It is for its caller alone: the others ask for themselves. `erred`: whoever has something stale need not. */
  | { readonly kind: 'alone'; readonly erred?: boolean }
  | { readonly kind: 'failed'; readonly error: Error }
  /** Another process has loaded it, or has given it up: look again. */
  | { readonly kind: 'again' };

/** Callers who give up and ask again do so within this. */
export const CALLED_OFF_AFTER_MS = 30_000;

/** Why a load was called off. */
export const DESERTED = new Error('Nobody waits for it any more.');

export class CallFlight implements Flight {
  readonly #ended = Promise.withResolvers<FlightEnd>();
  readonly #done = Promise.withResolvers<void>();
  readonly #unwanted = new AbortController();
  readonly #calledOff = new AbortController();
  #waiting = 0;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  /** Aborted as soon as everybody has left who waited for it here. */
  get unwanted(): AbortSignal {
    return this.#unwanted.signal;
  }

  /** Aborted when nobody has come for a while since then. */
  get calledOff(): AbortSignal {
    return this.#calledOff.signal;
  }

  /** @param left aborted when he waits no longer */
  board(left: AbortSignal): void {
    this.#waiting += 1;
    clearTimeout(this.#timer);
    if (left.aborted) this.#leave();
    else left.addEventListener('abort', () => this.#leave(), { once: true });
  }

  /** Known as soon as those who wait can go on. Never rejects. */
  get ended(): Promise<FlightEnd> {
    return this.#ended.promise;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** @param done comes when the lease has been used or given back */
  end(how: FlightEnd, done: Promise<unknown> = Promise.resolve()): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#ended.resolve(how);
    const finish = (): void => this.#done.resolve();
    done.then(finish, finish);
  }

  #leave(): void {
    this.#waiting -= 1;
    if (this.#waiting > 0 || this.#over) return;
    this.#unwanted.abort(DESERTED);
    this.#timer = setTimeout(() => this.#calledOff.abort(DESERTED), CALLED_OFF_AFTER_MS).unref();
  }
}
