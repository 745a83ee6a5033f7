import type { MetricsRegistry } from './metrics-registry.js';

/**
 * What the cache tells, as metrics; has the shape of cache-core's `CacheObserver`. Called on the hot path: each call is a look-up in a
 * small map and an addition.
 */
export class CacheInstruments {
  readonly #hits;
  readonly #tiers;
  readonly #emptied;
  readonly #misses;
  readonly #unusable;
  readonly #bypassed;
  readonly #joined;
  readonly #fills;
  readonly #invalidations;
  readonly #loads;
  readonly #loadSeconds;
  readonly #stale;
  readonly #leftovers;
  readonly #sweepsFailed;
  readonly #leasesLeft;
  readonly #seconds;

  constructor(metrics: MetricsRegistry) {
    this.#hits = metrics.countTally('cache_hits_total', 'Lookups that found a usable value', ['cache_type']);
    this.#tiers = metrics.countTally('cache_tier_hits_total', "Hits, from the process's own memory or from Redis", [
      'cache_type',
      'tier',
    ]);
    this.#emptied = metrics.counter('cache_l1_emptied_total', 'L1 emptied of what came from one server', ['why']);
    this.#misses = metrics.counter('cache_misses_total', 'Lookups that found none', ['cache_type']);
    this.#unusable = metrics.counter('cache_unusable_total', 'Values found but not usable: each reads as a miss', [
      'cache_type',
      'why',
    ]);
    this.#bypassed = metrics.counter(
      'cache_bypassed_total',
      'Lookups answered by the origin because Redis could not be asked',
      ['cache_type', 'why'],
    );
    this.#joined = metrics.counter('cache_joined_total', 'Callers that waited for the load of another', ['cache_type']);
    this.#fills = metrics.counter('cache_fills_total', 'Loaded values, by what became of them', [
      'cache_type',
      'result',
    ]);
    this.#invalidations = metrics.counter('cache_invalidations_total', 'Invalidations, applied or kept for later', [
      'cache_type',
      'result',
    ]);
    this.#loads = metrics.counter('cache_loads_total', 'Loads of values from their origin, by how they ended', [
      'cache_type',
      'result',
    ]);
    this.#loadSeconds = metrics.timeTally('cache_load_seconds', 'Time that loads of values took', ['cache_type']);
    this.#stale = metrics.counter('cache_stale_total', 'Stale values served, by why no fresh one was', [
      'cache_type',
      'why',
    ]);
    this.#leftovers = metrics.counter(
      'cache_leftovers_removed_total',
      'Entries invalidated by tag, namespace or family that were removed for other readers',
      [],
    );
    this.#sweepsFailed = metrics.counter(
      'cache_leftovers_failed_total',
      'Passes over such entries that Redis did not let come to their end',
      [],
    );
    this.#leasesLeft = metrics.counter(
      'cache_leases_left_total',
      'Leases that could not be given back: others wait until they run out',
      ['cache_type'],
    );
    this.#seconds = metrics.timeTally('cache_operation_seconds', 'Time of one lookup in Redis, hit or miss', [
      'cache_type',
    ]);
  }

  hit(family: string, tier: string): void {
    this.#hits.add(family);
    this.#tiers.add(family, tier);
  }

  emptied(why: string): void {
    this.#emptied.inc({ why });
  }

  miss(family: string): void {
    this.#misses.inc({ cache_type: family });
  }

  unusable(family: string, why: string): void {
    this.#unusable.inc({ cache_type: family, why });
  }

  bypass(family: string, why: string): void {
    this.#bypassed.inc({ cache_type: family, why });
  }

  joined(family: string): void {
    this.#joined.inc({ cache_type: family });
  }

  fill(family: string, result: string): void {
    this.#fills.inc({ cache_type: family, result });
  }

  loaded(family: string, result: string, seconds: number): void {
    this.#loads.inc({ cache_type: family, result });
    this.#loadSeconds.observe(seconds, family);
  }

  stale(family: string, why: string): void {
    this.#stale.inc({ cache_type: family, why });
  }

  sweptLeftovers(count: number): void {
    this.#leftovers.inc({}, count);
  }

  sweepFailed(): void {
    this.#sweepsFailed.inc({});
  }

  leaseLeft(family: string): void {
    this.#leasesLeft.inc({ cache_type: family });
  }

  invalidated(family: string, result: string): void {
    this.#invalidations.inc({ cache_type: family, result });
  }

  lookupSeconds(family: string, seconds: number): void {
    this.#seconds.observe(seconds, family);
  }
}
