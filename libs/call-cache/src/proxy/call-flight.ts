/** A load of one answer, which other callers wait for. */
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

export class CallFlight implements Flight {
  readonly #ended = Promise.withResolvers<FlightEnd>();
  readonly #done = Promise.withResolvers<void>();

  /** Known as soon as those who wait can go on. Never rejects. */
  get ended(): Promise<FlightEnd> {
    return this.#ended.promise;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** @param done comes when the lease has been used or given back */
  end(how: FlightEnd, done: Promise<unknown> = Promise.resolve()): void {
    this.#ended.resolve(how);
    const finish = (): void => this.#done.resolve();
    done.then(finish, finish);
  }
}
