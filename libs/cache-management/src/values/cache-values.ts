import { createHash } from 'node:crypto';
import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  Inject,
  Injectable,
  NotFoundException,
  PayloadTooLargeException,
  UnprocessableEntityException,
} from '@nestjs/common';
import {
  BodyError,
  Cache,
  conditionOf,
  encodeValue,
  entryParts,
  hitCacheHeaders,
  KeyspaceError,
  physicalKey,
  PlainValues,
  presenceOf,
  RedisRoles,
  RedisUnavailableError,
  staleCacheHeaders,
  valueReading,
  type EntryLabels,
  type Family,
  type KeyRef,
  type ResponseHeaders,
} from '@promptsales/cache-core';
import type { ManagementCaller } from '../management-options.js';
import { accessTo, isCached, type Act } from './family-access.js';
import { jsonOfValue, valueOfJson } from './json-values.js';
import { ownKey } from './own-key.js';

export interface ReadValue {
  readonly ref: KeyRef;
  readonly json: string;
  /** Strong: the same exactly while the JSON text is. */
  readonly etag: string;
  readonly headers: ResponseHeaders;
}

export interface Writing {
  /** The body as it was sent. */
  readonly text: string;
  /** As it was asked for; undefined: the family's own. */
  readonly ttlSeconds: number | undefined;
  readonly labels: EntryLabels;
}

export interface WrittenValue {
  readonly ref: KeyRef;
  /** Null: it stays. */
  readonly ttlSeconds: number | null;
}

/**
 * Values of any family, by key, for callers of the HTTP surface: within their tenant and what they may.
 *
 * Keys of cached families are entries of the cache protocol: a write supersedes whatever load is in flight, a removal is an
 * invalidation, and what is read is what any reader would be served. It is read from Redis and never from this process's own
 * memory, so that a write that one process has acknowledged is what the next read of any process finds.
 */
@Injectable()
export class CacheValues {
  constructor(
    @Inject(Cache) private readonly cache: Cache,
    @Inject(RedisRoles) private readonly roles: RedisRoles,
    @Inject(PlainValues) private readonly plain: PlainValues,
  ) {}

  /**
   * @throws NotFoundException when nothing is there that would be served
   * @throws ConflictException `wrong_type` where a value of another type lies
   * @throws RedisUnavailableError
   */
  async read(key: string, caller: ManagementCaller): Promise<ReadValue> {
    const ref = permitted(ownKey(key, caller.tenant), 'read', caller);
    const { value, headers } = await (isCached(ref.family) ? this.#readEntry(ref) : this.#readPlain(ref));
    const json = jsonOfValue(ref.family, value);
    return { ref, json, headers, etag: `"${createHash('sha256').update(json).digest('base64url').slice(0, 27)}"` };
  }

  /**
   * @throws UnprocessableEntityException `value_refused`, `ttl_out_of_range`
   * @throws RedisUnavailableError when it was not stored, or nobody knows
   */
  async write(key: string, { text, ttlSeconds, labels }: Writing, caller: ManagementCaller): Promise<WrittenValue> {
    const ref = permitted(ownKey(key, caller.tenant), 'write', caller);
    const { family } = ref;
    const ttl = this.#ttlOf(ref, ttlSeconds);
    if (!isCached(family) && (labels.namespace !== undefined || labels.tags !== undefined)) {
      throw new UnprocessableEntityException(`Keys of ${family.id} are no cache: they have no namespaces and no tags.`);
    }
    if (await this.#isAnothers(ref)) throw new NotFoundException('There is no such key of your tenant.');
    try {
      const value = valueOfJson(family, text);
      if (isCached(family)) await this.#writeEntry(ref, value, ttl, labels);
      else await this.plain.write(ref, value, ttl);
    } catch (error) {
      throw refusal(error) ?? error;
    }
    return { ref, ttlSeconds: ttl };
  }

  /**
   * `pending`: Redis is away, and the invalidation waits for it.
   * @throws RedisUnavailableError for families that are no cache
   */
  async remove(key: string, caller: ManagementCaller): Promise<{ readonly ref: KeyRef; readonly pending: boolean }> {
    const ref = permitted(ownKey(key, caller.tenant), 'remove', caller);
    if (!isCached(ref.family)) {
      await this.plain.remove(ref);
      return { ref, pending: false };
    }
    if (await this.#isAnothers(ref)) return { ref, pending: false };
    const { pending } = await this.cache.invalidate({ ref, parts: entryParts });
    return { ref, pending };
  }

  async #readEntry(ref: KeyRef): Promise<{ value: unknown; headers: ResponseHeaders }> {
    const found = await this.cache.ask(valueReading(ref));
    if (found.kind === 'away') throw new RedisUnavailableError('away', this.roles.link(ref.family.role).name);
    if (found.kind === 'miss') {
      await this.#refuseOtherType(ref);
      const why = found.unusable === null ? '' : ' that may be served (GET /v1/keyspace/explain says why)';
      throw new NotFoundException(`Nothing is stored at this key${why}.`);
    }
    const { hit } = found;
    const condition = conditionOf(hit, this.cache.policies.of(ref.family).freshness, () => 0);
    if (condition === 'dead') throw new NotFoundException('What is stored at this key is past its grace.');
    if (condition !== 'stale') return { value: hit.value, headers: hitCacheHeaders(hit) };
    const freshSeconds = ((hit.freshUntilMs ?? 0) - (hit.storedAtMs ?? 0)) / 1000;
    return { value: hit.value, headers: staleCacheHeaders(hit, freshSeconds) };
  }

  async #readPlain(ref: KeyRef): Promise<{ value: unknown; headers: ResponseHeaders }> {
    const found = await this.plain.read(ref);
    if (found.kind === 'value') return { value: found.value, headers: {} };
    if (found.kind === 'wrong_type') throw wrongType(ref.family, found.type);
    if (found.kind === 'unreadable') {
      throw new ConflictException({
        code: 'wrong_type',
        detail: `What lies at this key is no value of ${ref.family.id}.`,
      });
    }
    throw new NotFoundException('Nothing is stored at this key.');
  }

  async #writeEntry(ref: KeyRef, value: unknown, ttl: number | null, labels: EntryLabels): Promise<void> {
    const filling = { stored: encodeValue(ref.family, value), ...(ttl === null ? {} : { ttlSeconds: ttl }) };
    const result = await this.cache.put({ ref, labels }, filling);
    if (result === 'too_large') throw new PayloadTooLargeException('The value is larger than the cache takes.');
    if (result !== 'stored') throw new RedisUnavailableError('away', this.roles.link(ref.family.role).name);
  }

  /** By a hash anybody may name a key; whose it is stands beside it. While Redis is away nobody can say. */
  async #isAnothers(ref: KeyRef): Promise<boolean> {
    if (!ref.family.isolatedByIdentity) return false;
    try {
      const { tenant } = await presenceOf(ref, this.roles, this.cache.keyPrefix);
      return tenant !== null && tenant !== ref.tenant;
    } catch (error) {
      if (error instanceof RedisUnavailableError) return false;
      throw error;
    }
  }

  /** The protocol reads another type as a miss; whoever asks for the key itself is told. */
  async #refuseOtherType({ family, key }: KeyRef): Promise<void> {
    const physical = physicalKey(this.cache.keyPrefix, key);
    const type = await this.roles.link(family.role).readAt(physical, (client) => client.type(physical));
    if (type !== 'none' && type !== family.redisType) throw wrongType(family, type);
  }

  #ttlOf(ref: KeyRef, asked: number | undefined): number | null {
    const { family } = ref;
    const { min, max } = family.ttlRange;
    if (family.expiry === 'never') {
      if (asked !== undefined) throw ttlRefused(`keys of ${family.id} stay; they take none`);
      return null;
    }
    if (asked !== undefined) {
      if (asked >= min && asked <= max) return asked;
      throw ttlRefused(`keys of ${family.id} take ${min === max ? `${min} s` : `${min} to ${max} s`}, not ${asked}`);
    }
    if (family.expiry === 'caller')
      throw ttlRefused(`say how long: keys of ${family.id} have no time to live of their own`);
    return this.cache.ttlSeconds({ ref });
  }
}

/** The same ref, if the caller may. @throws ForbiddenException */
function permitted(ref: KeyRef, act: Act, { scopes }: ManagementCaller): KeyRef {
  const { [act]: right, instead } = accessTo(ref.family);
  if (right === 'never')
    throw new ForbiddenException(`Keys of ${ref.family.id} cannot be ${PAST[act]} here. ${instead ?? ''}`.trim());
  if (!scopes.has(right)) {
    throw new ForbiddenException(
      `Keys of ${ref.family.id} are ${PAST[act]} with the scope "${right}", which this key does not have.`,
    );
  }
  return ref;
}

const PAST: Readonly<Record<Act, string>> = { read: 'read', write: 'written', remove: 'removed' };

function wrongType({ id, redisType }: Family, type: string): ConflictException {
  return new ConflictException({
    code: 'wrong_type',
    detail: `A ${type} lies at this key, and values of ${id} are of the type ${redisType}. PUT replaces it.`,
  });
}

function ttlRefused(why: string): UnprocessableEntityException {
  const detail = `ttl: ${why}.`;
  return new UnprocessableEntityException({
    code: 'ttl_out_of_range',
    detail,
    errors: [{ path: 'ttl', message: why }],
  });
}

function refusal(error: unknown): Error | null {
  if (error instanceof BodyError)
    return new BadRequestException({ code: 'malformed_json', detail: `${error.message}.` });
  if (!(error instanceof KeyspaceError) || error.code === 'ttl_range') return null;
  if (error.code === 'labels') {
    return new UnprocessableEntityException({ code: 'unprocessable', detail: `${error.message}.` });
  }
  const errors = error.issues.map(({ path, message }) => ({ path: path === '' ? '/' : path, message }));
  return new UnprocessableEntityException({ code: 'value_refused', detail: `${error.message}.`, errors });
}
