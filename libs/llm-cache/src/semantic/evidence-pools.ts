/** What has been learnt of how often stored answers are right, shared by all processes through one log for each pool. */
import { type KeyRef, keyspace } from '@promptsales/cache-core';
import { Evidence, inTurns, type Observation, PRIOR, TEXT_FEATURES, type Work } from '@promptsales/semantics';
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
  /** A review or a fit, in slices. */
  atWork: Promise<void> | null;
}

export interface PoolsObserver {
  /** In how many partitions nothing is served, because too much was wrong there. */
  closed?(partitions: number): void;
  failed?(error: unknown): void;
}

/** As many observations are held as these have, in however many pools: with a policy that shares nothing, each key has its own. */
const FULL_POOLS = 8;
/** What an empty pool takes, in observations. */
const EMPTY_POOL = 16;

export class EvidencePools {
  readonly #log: Pick<BoundedLog, 'append' | 'after'>;
  readonly #bounds: PoolBounds;
  readonly #observer: PoolsObserver;
  readonly #pools = new Map<string, Pool>();

  constructor(log: Pick<BoundedLog, 'append' | 'after'>, bounds: PoolBounds, observer: PoolsObserver) {
    this.#log = log;
    this.#bounds = bounds;
    this.#observer = observer;
  }

  /**
   * Knows all that is in Redis when it resolves, wrong answers first of all: those count at once. Its limits for this δ
   * follow, unless its weights are being fitted, which nobody waits for.
   * @throws RedisUnavailableError
   */
  async of(name: PoolName, delta: number): Promise<Evidence> {
    const pool = this.#touched(name.hash);
    await pool.catchingUp;
    pool.catchingUp ??= this.#catchUp(name, pool).finally(() => {
      pool.catchingUp = null;
    });
    await pool.catchingUp;
    pool.evidence.expect(delta);
    if (pool.evidence.reviewDue && pool.atWork === null) await this.#work(pool, pool.evidence.review());
    if (pool.evidence.fitDue && pool.atWork === null) void this.#work(pool, pool.evidence.fit());
    return pool.evidence;
  }

  /** @throws RedisUnavailableError */
  async add(name: PoolName, observation: Observation): Promise<void> {
    const { observations, ttlSeconds } = this.#bounds;
    await this.#log.append(refOf(name), { observation: JSON.stringify(observation) }, observations, ttlSeconds);
  }

  async #catchUp(name: PoolName, pool: Pool): Promise<void> {
    for await (const entries of this.#log.after(refOf(name), pool.lastId)) {
      const observations = entries.map(({ fields }) => observationIn(fields['observation'] ?? ''));
      pool.evidence.add(observations.filter((observation) => observation !== null));
      pool.lastId = entries.at(-1)?.id ?? pool.lastId;
    }
  }

  /** Never rejects. */
  async #work(pool: Pool, work: Work<void>): Promise<void> {
    const atWork = inTurns(work, nextTurn)
      .catch((error: unknown) => this.#observer.failed?.(error))
      .finally(() => {
        pool.atWork = null;
      });
    pool.atWork = atWork;
    await atWork;
    let closed = 0;
    for (const { evidence } of this.#pools.values()) closed += evidence.closedPartitions;
    this.#observer.closed?.(closed);
  }

  #touched(hash: string): Pool {
    const { observations, confidence } = this.#bounds;
    const pool = this.#pools.get(hash) ?? {
      evidence: new Evidence({ prior: PRIOR, window: observations, confidence }),
      lastId: '',
      catchingUp: null,
      atWork: null,
    };
    this.#pools.delete(hash);
    this.#pools.set(hash, pool);
    let held = 0;
    for (const { evidence } of this.#pools.values()) held += evidence.size + EMPTY_POOL;
    for (const [oldest, { evidence }] of this.#pools) {
      if (held <= FULL_POOLS * observations || oldest === hash) break;
      this.#pools.delete(oldest);
      held -= evidence.size + EMPTY_POOL;
    }
    return pool;
  }
}

/** Not an unreferenced one: the event loop would not wake for it, but wait for something else to happen. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Null for what another version wrote. */
function observationIn(text: string): Observation | null {
  try {
    const read = JSON.parse(text) as Observation;
    const ours =
      Array.isArray(read.features) && read.features.length === TEXT_FEATURES.length && read.form !== undefined;
    return ours && read.features.every((feature) => Number.isFinite(feature)) ? read : null;
  } catch {
    return null;
  }
}

function refOf({ hash, tenant }: PoolName): KeyRef {
  return keyspace.semanticEvidence.at({ pool_hash: hash }, tenant);
}
