import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import { KeyspaceError } from '../keyspace/keyspace-error.js';
import { absent, unchanged, type Absent, type Unchanged } from './answers.js';
import { encodeValue } from './family-value.js';
import { freshMs, type Freshness } from './freshness.js';
import type { Hit } from './judgement.js';
import type { Leadership } from './leadership.js';
import type { LoadBound } from './load-bound.js';
import { LoadsExhaustedError, LoadTimeoutError } from './load-errors.js';
import type { LoadResult } from './observer.js';
import type { Outcome } from './value-flight.js';

export interface LoadContext<T> {
  /** Aborts when nobody in this process waits for the load any more, or when it has taken `hardTimeoutMs`. */
  readonly signal: AbortSignal;
  /** What is stored and to be replaced: a loader that finds it still so answers `unchanged`. Null: there is nothing. */
  readonly stale: Stale<T> | null;
}

export interface Stale<T> {
  readonly value: T | Absent;
  /** Milliseconds since the epoch by Redis's clock. */
  readonly storedAtMs: number;
}

export type Loader<T, R = T | Absent | Unchanged> = (context: LoadContext<T>) => Promise<R>;

export interface Load<F extends Family> {
  readonly ref: KeyRef<F>;
  readonly loader: Loader<ValueOf<F>>;
  readonly leadership: Leadership;
  readonly freshness: Freshness;
  readonly ttlSeconds: number | ((value: ValueOf<F>) => number);
  readonly bound: Pick<LoadBound, 'run'>;
  readonly random: () => number;
  readonly note: ((value: ValueOf<F>) => string) | undefined;
  /** Of the entry that is to be replaced. */
  readonly previous: Hit<ValueOf<F> | Absent> | null;
  /** Aborts when nobody waits any more. */
  readonly abandoned: AbortSignal;
  readonly ended: (result: LoadResult, seconds: number) => void;
}

/** Runs a loader and ends the leadership with what it brings. Never rejects. */
export async function runLoad<F extends Family>(load: Load<F>): Promise<Outcome<ValueOf<F> | Absent>> {
  const { ref, loader, leadership, freshness, bound, previous, ended } = load;
  let began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  try {
    const stale: Stale<ValueOf<F>> | null =
      previous?.storedAtMs == null ? null : { value: previous.value, storedAtMs: previous.storedAtMs };
    const answer = await bound.run(() => {
      began = performance.now();
      return within(ref.family, freshness.hardTimeoutMs, load.abandoned, (signal) => loader({ signal, stale }));
    });
    const outcome = stored(load, answer, performance.now() - began);
    ended(answer === absent ? 'absent' : answer === unchanged ? 'unchanged' : 'value', seconds());
    return outcome;
  } catch (error) {
    await leadership.release();
    ended(failureOf(error), seconds());
    return { kind: 'error', error };
  }
}

/** @throws KeyspaceError for what is no value of the family */
function stored<F extends Family>(
  { ref, leadership, freshness, ttlSeconds, random, note, previous }: Load<F>,
  answer: ValueOf<F> | Absent | Unchanged,
  loadCostMs: number,
): Outcome<ValueOf<F> | Absent> & { kind: 'value' } {
  if (answer === unchanged && previous === null) {
    const problem = 'the loader answered `unchanged`, but it was given nothing that could be';
    throw new KeyspaceError('value_shape', problem, { family: ref.family.id });
  }
  const value = answer === unchanged ? (previous as Hit<ValueOf<F> | Absent>).value : answer;
  const seconds =
    value === absent ? freshness.negativeTtlSeconds : typeof ttlSeconds === 'number' ? ttlSeconds : ttlSeconds(value);
  if (seconds === null) return { kind: 'value', value: value as Absent, stored: dropped(leadership) };
  const times = { ttlSeconds: seconds, freshMs: freshMs(freshness, seconds, random), loadCostMs };
  const prolonged = answer === unchanged ? leadership.prolong(times) : null;
  if (prolonged !== null) return { kind: 'value', value: value as ValueOf<F>, stored: prolonged };
  if (value === absent) return { kind: 'value', value, stored: leadership.fill({ ...times, stored: absent }) };
  const filling = { ...times, stored: encodeValue(ref.family, value) };
  return {
    kind: 'value',
    value,
    stored: leadership.fill(note === undefined ? filling : { ...filling, note: note(value) }),
  };
}

/** An absence that is not to be remembered. */
async function dropped(leadership: Leadership): Promise<'dropped'> {
  await leadership.release();
  return 'dropped';
}

async function within<T>(
  { id }: Family,
  atMostMs: number | null,
  abandoned: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (atMostMs === null) return work(abandoned);
  const late = new AbortController();
  const ended = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new LoadTimeoutError(id, atMostMs);
    late.abort(error);
    // A loader that does not listen may go on for ever; nobody waits for it.
    ended.reject(error);
  }, atMostMs);
  try {
    return await Promise.race([work(AbortSignal.any([abandoned, late.signal])), ended.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(error: unknown): LoadResult {
  if (error instanceof LoadTimeoutError) return 'timeout';
  return error instanceof LoadsExhaustedError ? 'exhausted' : 'failed';
}
