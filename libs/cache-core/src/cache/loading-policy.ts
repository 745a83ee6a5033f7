import type { Family } from '../keyspace/family.js';
import { catalogue } from '../keyspace/keyspace.js';
import { KeyspaceError } from '../keyspace/keyspace-error.js';
import { resolveFreshness, type Freshness, type FreshnessOptions } from './freshness.js';
import { DEFAULT_LOAD_BOUND, LoadBound, type LoadBoundSettings } from './load-bound.js';

/** How the values of one family are loaded and age, as settings say it. */
export interface LoadingOptions extends FreshnessOptions {
  readonly loads?: Partial<LoadBoundSettings>;
  readonly holdOff?: HoldOff;
}

/**
 * For origins whose readers may see a replica that lags: what is loaded right after an invalidation may be older than it.
 */
export interface HoldOff {
  /** For so long after an invalidation, what a load brings is not trusted. */
  readonly ms: number;
  /** How long such a value is stored; null: not at all. */
  readonly ttlSeconds: number | null;
}

interface Policy {
  readonly freshness: Freshness;
  readonly bound: LoadBound;
  readonly holdOff: HoldOff | null;
}

/** Every family's policy, resolved when the cache is made. */
export class LoadingPolicies {
  readonly #policies = new Map<string, Policy>();

  /**
   * @throws KeyspaceError `declaration` for a family that there is not
   * @throws RangeError for an option outside its range
   */
  constructor(byFamily: Readonly<Record<string, LoadingOptions>>) {
    for (const [id, options] of Object.entries(byFamily)) {
      if (catalogue.family(id) === undefined) throw new KeyspaceError('declaration', `there is no family ${id}`);
      this.#policies.set(id, policyOf(id, options));
    }
  }

  of({ id }: Family): Policy {
    let policy = this.#policies.get(id);
    if (policy === undefined) this.#policies.set(id, (policy = policyOf(id, {})));
    return policy;
  }
}

function policyOf(family: string, { loads, holdOff, ...freshness }: LoadingOptions): Policy {
  if (holdOff !== undefined && !(holdOff.ms > 0 && (holdOff.ttlSeconds === null || holdOff.ttlSeconds >= 0.001))) {
    throw new RangeError(`${family}: a hold-off lasts more than 0 ms, and its time to live is positive or null`);
  }
  return {
    freshness: resolveFreshness(freshness),
    bound: new LoadBound(family, { ...DEFAULT_LOAD_BOUND, ...loads }),
    holdOff: holdOff ?? null,
  };
}
