import { Inject, Injectable } from '@nestjs/common';
import { Cache, RedisRoles, takeCensus, type Census } from '@promptsales/cache-core';

/** A count is no older than this; whoever asks again meanwhile costs Redis nothing. */
const KEPT_MS = 10_000;
const MOST_VIEWERS = 100;

/** Counts of the keyspace, taken for one viewer at a time. */
@Injectable()
export class Censuses {
  readonly #taken = new Map<string | null, Promise<Census>>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(Cache) private readonly cache: Cache,
    @Inject(RedisRoles) private readonly roles: RedisRoles,
  ) {}

  /** @param tenant null: of all tenants */
  async of(tenant: string | null): Promise<Census> {
    const kept = this.#taken.get(tenant);
    if (kept !== undefined) {
      const census = await kept;
      if (Date.now() - census.takenAt.getTime() < KEPT_MS) return census;
      if (this.#taken.get(tenant) !== kept) return this.of(tenant);
    }
    const taking = this.#turn.then(() => takeCensus(this.roles, tenant, { keyPrefix: this.cache.keyPrefix }));
    this.#turn = taking.catch(() => undefined);
    this.#taken.delete(tenant);
    this.#taken.set(tenant, taking);
    if (this.#taken.size > MOST_VIEWERS) this.#taken.delete([...this.#taken.keys()][0] ?? null);
    taking.catch(() => this.#taken.delete(tenant));
    return taking;
  }
}
