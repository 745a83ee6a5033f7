import { companions } from '../keyspace/companion.js';
import type { KeyRef } from '../keyspace/family.js';
import type { keyspace } from '../keyspace/keyspace.js';
import { physicalKey } from '../keyspace/physical-key.js';
import type { RedisLink, ScriptArgument } from '../redis/link.js';
import { loadScript, type Script } from '../redis/script.js';

const LOOK = loadScript(new URL('./lua/look-at-breaker.lua', import.meta.url));
const TRIP = loadScript(new URL('./lua/trip-breaker.lua', import.meta.url));
const PROBE = loadScript(new URL('./lua/probe-breaker.lua', import.meta.url));
const SETTLE = loadScript(new URL('./lua/settle-breaker.lua', import.meta.url));

export type BreakerRef = KeyRef<typeof keyspace.circuitBreaker>;
export type BreakerStatus = 'closed' | 'open' | 'half-open';

/** What all processes know of a breaker. */
export interface SharedState {
  /** Whether the transition that was asked for was made. */
  readonly done: boolean;
  readonly status: BreakerStatus;
  /** Numbers the states of a breaker; 0: nothing is known of it. */
  readonly epoch: number;
  /** Until the next probe (open), or until this one's lease ends (half-open); by Redis's clock, at its answer. */
  readonly waitMs: number;
  /** Openings in a row without a closing. */
  readonly opens: number;
  readonly probe: string;
  readonly failures: number;
  /** ISO 8601, by Redis's clock. */
  readonly lastFailure: string | null;
  readonly nextCheck: string | null;
}

type Reply = readonly [number, BreakerStatus, number, number, number, string, number, string, string];

/** The breaker of one service as it stands in Redis: one script for each transition. All throw `RedisUnavailableError`. */
export class SharedBreaker {
  /** Without KEY_PREFIX. */
  readonly key: string;
  readonly #link: RedisLink;
  readonly #keys: readonly string[];
  readonly #ttlMs: number;

  constructor(link: RedisLink, ref: BreakerRef, keyPrefix: string, ttlMs: number) {
    this.key = ref.key;
    this.#link = link;
    this.#keys = [physicalKey(keyPrefix, ref.key), companions.breaker.beside(ref, keyPrefix)];
    this.#ttlMs = ttlMs;
  }

  /** Rings at each transition. */
  get channel(): string {
    return `wake:${this.#keys[0]}`;
  }

  look(): Promise<SharedState> {
    return this.#run(LOOK, []);
  }

  /** Opens it, if it is closed and still in the epoch in which the failures were seen. */
  trip(epoch: number, failures: number, openMs: number): Promise<SharedState> {
    return this.#run(TRIP, [epoch, failures, openMs, this.#ttlMs]);
  }

  /** Takes the lease for the one probe. */
  probe(token: string, leaseMs: number): Promise<SharedState> {
    return this.#run(PROBE, [token, leaseMs, this.#ttlMs]);
  }

  /** Ends a probe whose lease is still its own. */
  settle(token: string, verdict: 'closed' | 'open' | 'undecided', openMs: number): Promise<SharedState> {
    return this.#run(SETTLE, [token, verdict, openMs, this.#ttlMs]);
  }

  async #run(script: Script, args: readonly ScriptArgument[]): Promise<SharedState> {
    const reply = (await this.#link.run(script, this.#keys, args)) as Reply;
    const [done, status, epoch, waitMs, opens, probe, failures, lastFailure, nextCheck] = reply;
    return {
      done: done === 1,
      status,
      epoch,
      waitMs,
      opens,
      probe,
      failures,
      lastFailure: lastFailure === '' ? null : lastFailure,
      nextCheck: nextCheck === '' ? null : nextCheck,
    };
  }
}
