/** Which answers were served for other questions than their own, so that their readers can say whether they were right. */
import {
  type Cache,
  encodeValue,
  type KeyRef,
  keyspace,
  parseBody,
  requestIdentity,
  valueReading,
} from '@promptsales/cache-core';
import type { Candidate } from '@promptsales/semantics';
import type { PoolName } from './evidence-pools.js';

export interface ServedAnswer {
  readonly pool: PoolName;
  readonly candidate: Candidate;
}

export class ServedAnswers {
  readonly #cache: Cache;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** @param ids by which its reader may name it: the request's own, and the one that the answer carries */
  async remember(tenant: string, ids: readonly (string | null)[], { pool, candidate }: ServedAnswer): Promise<void> {
    const known = ids.flatMap((id) => (id === null || id === '' ? [] : [hashOf(tenant, id)]));
    const value = { pool: pool.hash, pool_tenant: pool.tenant, known_as: known, candidate: JSON.stringify(candidate) };
    const stored = encodeValue(keyspace.semanticServed, value);
    await Promise.all(known.map((hash) => this.#cache.put({ ref: refOf(tenant, hash) }, { stored })));
  }

  /** Once, by whichever of its names: by him who removes the first of them. */
  async take(tenant: string, id: string): Promise<ServedAnswer | null> {
    const found = await this.#cache.ask(valueReading(refOf(tenant, hashOf(tenant, id))));
    if (found.kind !== 'hit') return null;
    const { pool, pool_tenant, known_as, candidate } = found.hit.value;
    const [first = '', ...others] = known_as;
    const { deleted } = await this.#cache.invalidate({ ref: refOf(tenant, first) });
    await Promise.all(others.map((hash) => this.#cache.invalidate({ ref: refOf(tenant, hash) })));
    if (deleted === 0) return null;
    return { pool: { hash: pool, tenant: pool_tenant }, candidate: JSON.parse(candidate) as Candidate };
  }
}

function refOf(tenant: string, hash: string): KeyRef<typeof keyspace.semanticServed> {
  return keyspace.semanticServed.at({ id_hash: hash }, tenant);
}

function hashOf(tenant: string, id: string): string {
  return requestIdentity({
    version: 1,
    tenant,
    scope: 'tenant',
    namespace: '',
    upstream: '',
    operation: 'semantic served',
    headers: {},
    body: parseBody(Buffer.from(JSON.stringify(id))),
    omit: [],
  });
}
