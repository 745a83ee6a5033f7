/** What has been learnt of how often stored answers are right, shared by all processes through one log for each pool. */
import { type KeyRef, keyspace } from '@promptsales/cache-core';
import { Evidence, type Observation, PRIOR, TEXT_FEATURES } from '@promptsales/semantics';
import type { BoundedLog } from './bounded-log.js';

export interface PoolName {
  readonly hash: string;
  readonly tenant: string;
}

export interface PoolBounds {
  readonly observations: number;
  readonly confidence: number;
  readonly ttlSeconds: number;
}

interface Pool {
  readonly evidence: Evidence;
  lastId: string;
  catchingUp: Promise<void> | null;
}

/** Each can hold tens of thousands of observations. */
const MOST_POOLS = 8;

export class EvidencePools {
  readonly #log: BoundedLog;
  readonly #bounds: PoolBounds;
  readonly #pools = new Map<string, Pool>();

  constructor(log: BoundedLog, bounds: PoolBounds) {
    this.#log = log;
    this.#bounds = bounds;
  }

  /** Up to date with Redis when it resolves. @throws RedisUnavailableError */
  async of(name: PoolName): Promise<Evidence> {
    const pool = this.#touched(name.hash);
    await pool.catchingUp;
    pool.catchingUp ??= this.#catchUp(name, pool).finally(() => {
      pool.catchingUp = null;
    });
    await pool.catchingUp;
    return pool.evidence;
  }

  /** @throws RedisUnavailableError */
  async add(name: PoolName, observation: Observation): Promise<void> {
    const { observations, ttlSeconds } = this.#bounds;
    await this.#log.append(refOf(name), { observation: JSON.stringify(observation) }, observations, ttlSeconds);
  }

  async #catchUp(name: PoolName, pool: Pool): Promise<void> {
    const entries = await this.#log.after(refOf(name), pool.lastId);
    const observations = entries.map(({ fields }) => observationIn(fields['observation'] ?? ''));
    pool.evidence.add(observations.filter((observation) => observation !== null));
    pool.lastId = entries.at(-1)?.id ?? pool.lastId;
  }

  #touched(hash: string): Pool {
    const { observations, confidence } = this.#bounds;
    const pool = this.#pools.get(hash) ?? {
      evidence: new Evidence({ prior: PRIOR, window: observations, confidence }),
      lastId: '',
      catchingUp: null,
    };
    this.#pools.delete(hash);
    this.#pools.set(hash, pool);
    for (const oldest of this.#pools.keys()) {
      if (this.#pools.size <= MOST_POOLS) break;
      this.#pools.delete(oldest);
    }
    return pool;
  }
}

/** Null for what another version wrote. */
function observationIn(text: string): Observation | null {
  try {
    const read = JSON.parse(text) as Observation;
    const ours = Array.isArray(read.features) && read.features.length === TEXT_FEATURES.length;
    return ours && read.features.every((feature) => Number.isFinite(feature)) ? read : null;
  } catch {
    return null;
  }
}

function refOf({ hash, tenant }: PoolName): KeyRef {
  return keyspace.semanticEvidence.at({ pool_hash: hash }, tenant);
}
