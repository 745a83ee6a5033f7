import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import { KeyspaceError } from '../keyspace/keyspace-error.js';
import type { Absent } from './answers.js';
import type { LoadContext, Loader, Stale } from './load.js';
import type { LoadBound } from './load-bound.js';

export interface LoadManyContext<T> {
  /** Aborts when nobody in this process waits for any of the values any more, or when they have taken too long. */
  readonly signal: AbortSignal;
  /** For each ref what is stored and to be replaced. */
  readonly stale: readonly (Stale<T> | null)[];
}

/** Answers with one value for each ref, in their order. */
export type LoadMany<F extends Family, R = ValueOf<F> | Absent> = (
  refs: readonly KeyRef<F>[],
  context: LoadManyContext<ValueOf<F>>,
) => Promise<readonly R[]>;

interface Wanted<F extends Family> {
  readonly ref: KeyRef<F>;
  readonly context: LoadContext<ValueOf<F>>;
  readonly resolve: (value: ValueOf<F> | Absent) => void;
  readonly reject: (error: unknown) => void;
}

const UNBOUNDED: Pick<LoadBound, 'run'> = { run: (work) => work() };

/**
 * Gathers what one `getMany` has to load into one call. It leaves when each of its errands is decided: has its value, is
 * on board of somebody's load, or waits here. What comes later (a load that was followed and failed, a refresh) leaves
 * with the next turn of the event loop.
 */
export class LoadBatch<F extends Family> {
  readonly #loadMany: LoadMany<F>;
  readonly #bound: LoadBound;
  #wanted: Wanted<F>[] = [];
  #toDecide: number;
  #leaving = false;

  /** @param errands how many will say `decided`, once each */
  constructor(loadMany: LoadMany<F>, errands: number, bound: LoadBound) {
    this.#loadMany = loadMany;
    this.#toDecide = errands;
    this.#bound = bound;
  }

  /** The loads of one batch share one call of the origin, and so one place within the bound. */
  forOne(ref: KeyRef<F>): { loader: Loader<ValueOf<F>>; bound: Pick<LoadBound, 'run'> } {
    const loader: Loader<ValueOf<F>> = (context) =>
      new Promise((resolve, reject) => {
        this.#wanted.push({ ref, context, resolve, reject });
        if (this.#toDecide === 0) this.#leaveSoon();
      });
    return { loader, bound: UNBOUNDED };
  }

  decided(): void {
    this.#toDecide -= 1;
    if (this.#toDecide === 0 && this.#wanted.length > 0) this.#leaveSoon();
  }

  #leaveSoon(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    setImmediate(() => {
      this.#leaving = false;
      const wanted = this.#wanted;
      this.#wanted = [];
      if (wanted.length > 0) void this.#load(wanted);
    });
  }

  async #load(wanted: readonly Wanted<F>[]): Promise<void> {
    try {
      const { family } = (wanted[0] as Wanted<F>).ref;
      const signal = whenAllAbort(wanted.map(({ context }) => context.signal));
      const stale = wanted.map(({ context }) => context.stale);
      const refs = wanted.map(({ ref }) => ref);
      const values = await this.#bound.run(() => this.#loadMany(refs, { signal, stale }));
      if (!Array.isArray(values) || values.length !== refs.length) {
        const problem = `the loader of many answers with an array of ${refs.length}, one value for each ref in their order`;
        throw new KeyspaceError('value_shape', problem, { family: family.id });
      }
      for (const [at, { resolve }] of wanted.entries()) resolve(values[at] as ValueOf<F> | Absent);
    } catch (error) {
      for (const { reject } of wanted) reject(error);
    }
  }
}

function whenAllAbort(signals: readonly AbortSignal[]): AbortSignal {
  const all = new AbortController();
  let left = signals.length;
  for (const signal of signals) {
    const gone = (): void => {
      left -= 1;
      if (left === 0) all.abort(signal.reason);
    };
    if (signal.aborted) gone();
    else signal.addEventListener('abort', gone, { once: true });
  }
  return all.signal;
}
