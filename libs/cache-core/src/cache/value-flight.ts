import type { Flight } from './flights.js';
import type { Hit } from './judgement.js';
import type { FillResult } from './observer.js';

/** What ends a flight for those on board. `again`: whoever loaded is gone or failed; open the entry anew. */
export type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T; readonly stored: Promise<FillResult> | null }
  | { readonly kind: 'found'; readonly hit: Hit<T> }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'again' };

/** The load of a value that is had whole, in this process or followed in another. Its outcome never rejects. */
export interface ValueFlight<T> extends Flight {
  /** Known as soon as the value is; `done` comes when it is stored too. */
  readonly outcome: Promise<Outcome<T>>;
  readonly waiting: Waiting;
}

/** `signal` aborts when the last who waits has left. */
export function flightOf<T>(begin: (signal: AbortSignal) => Promise<Outcome<T>>): ValueFlight<T> {
  const waiting = new Waiting();
  const outcome = begin(waiting.signal);
  return { outcome, waiting, done: outcome.then((ended) => (ended.kind === 'value' ? ended.stored : null)) };
}

export interface Patience {
  /** The caller leaves when it aborts; his call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** He waits no longer, but the load goes on. */
  readonly atMostMs?: number | null;
}

/** `late`: the caller's patience has ended before the flight. */
export async function outcomeFor<T>(
  { outcome, waiting }: ValueFlight<T>,
  { signal, atMostMs = null }: Patience,
): Promise<Outcome<T> | { readonly kind: 'late' }> {
  // Its loader has been told to stop. Should it bring a value all the same, that is as good as any.
  const givenUp = waiting.signal.aborted;
  waiting.come();
  if (!givenUp && signal === undefined && atMostMs === null) return outcome;
  const ended = Promise.withResolvers<{ kind: 'late' }>();
  const leave = (): void => ended.reject(signal?.reason);
  signal?.addEventListener('abort', leave);
  if (signal?.aborted === true) leave();
  const timer = atMostMs === null ? undefined : setTimeout(() => ended.resolve({ kind: 'late' }), atMostMs);
  let left = true;
  try {
    const first = await Promise.race([outcome, ended.promise]);
    // Who was served something stale still counts as waiting: what he asked for is to come.
    left = false;
    return givenUp && first.kind === 'error' ? { kind: 'again' } : first;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
    if (left) waiting.leave();
  }
}

/** Those in this process who wait for one load. When the last has left before its end, it is given up. */
class Waiting {
  readonly #abandoned = new AbortController();
  #callers = 0;

  get signal(): AbortSignal {
    return this.#abandoned.signal;
  }

  come(): void {
    this.#callers += 1;
  }

  leave(): void {
    this.#callers -= 1;
    if (this.#callers === 0) this.#abandoned.abort();
  }
}
