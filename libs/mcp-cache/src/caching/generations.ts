/**
 * Ends what is outdated: whoever is told of a change ends it here first and passes the news on afterwards, so that nobody
 * who has heard of it is answered with what was before. A load that began before the change cannot put its result back
 * (versions of tags, see the cache's invariants).
 */
import type { Cache } from '@promptsales/cache-core';
import { isObject, type JsonObject } from '../json-rpc/message.js';
import type { ListKind } from './cacheable.js';
import { tagOf, type Scopes, type Subject } from './scopes.js';

const LISTS: ReadonlyMap<string, ListKind> = new Map([
  ['notifications/tools/list_changed', 'tools'],
  ['notifications/prompts/list_changed', 'prompts'],
  ['notifications/resources/list_changed', 'resources'],
]);

export class Generations {
  readonly #cache: Cache;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** While Redis is away, it is kept and carried out before this process reads from Redis again. */
  async end(subjects: readonly Subject[], { tenant, all }: Scopes): Promise<void> {
    await Promise.all(
      all.flatMap((scope) => subjects.map((subject) => this.#cache.invalidateTag(tagOf(scope, subject), tenant))),
    );
  }

  /** For every message that a server sends: before it is passed on. */
  async heed(message: JsonObject, scopes: Scopes): Promise<void> {
    const { method, params } = message;
    if (typeof method !== 'string') return;
    const kind = LISTS.get(method);
    if (kind !== undefined) return this.end([kind], scopes);
    const uri = method === 'notifications/resources/updated' && isObject(params) ? params['uri'] : undefined;
    if (typeof uri === 'string') await this.end([{ uri }], scopes);
  }
}
