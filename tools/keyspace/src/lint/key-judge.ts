import {
  kindOfKey,
  presenceOf,
  queueKeys,
  ROLES,
  valueReading,
  type Cache,
  type Companion,
  type Family,
  type KeyKind,
  type KeyRef,
  type PlainValues,
  type RedisLink,
  type RedisRoles,
} from '@promptsales/cache-core';
import type { Finding, Problem } from './finding.js';

export interface JudgeParts {
  readonly roles: RedisRoles;
  /** Decides of entries what its readers would: an own memory would be in the way. */
  readonly cache: Cache;
  readonly plain: PlainValues;
  /** Of the server's memory. */
  readonly maxBytes: number;
  readonly readValues: boolean;
}

type Wrong = Pick<Finding, 'problem' | 'detail'>;

/** Says of one key what is wrong with it. Reads, and writes nothing. */
export class KeyJudge {
  readonly #parts: JudgeParts;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
  }

  /** Nothing for a key that is gone, and for others' keys on a shared server. @throws RedisUnavailableError */
  async findings(key: string, link: RedisLink): Promise<readonly Finding[]> {
    const kind = kindOfKey(key, this.#parts.cache.keyPrefix);
    if (kind.kind === 'outside') return [];
    const first = await this.#wrongs(key, kind, link);
    if (first.length === 0) return [];
    // It may have been looked at in the middle of a change: what is wrong is so twice.
    const again = new Set((await this.#wrongs(key, kind, link)).map(({ problem }) => problem));
    const place = this.#parts.roles.rolesOf(link).join('+');
    return first
      .filter(({ problem }) => again.has(problem))
      .map((one) => ({ ...one, key, family: familyOf(kind), place }));
  }

  async #wrongs(key: string, kind: KeyKind, link: RedisLink): Promise<readonly Wrong[]> {
    if (kind.kind === 'unknown') {
      const there = await link.readAt(key, (client) => client.exists(key));
      return there === 0 ? [] : [wrong('no_family', 'no family gives this key')];
    }
    const [type, ttlMs, bytes] = await Promise.all([
      link.readAt(key, (client) => client.type(key)),
      link.readAt(key, (client) => client.pttl(key)),
      memoryOf(key, link),
    ]);
    if (type === 'none' || ttlMs === -2) return [];
    const found: Wrong[] = [];
    if (bytes !== null && bytes > this.#parts.maxBytes) found.push(wrong('oversized', `${bytes} bytes of memory`));
    if (kind.kind === 'companion') found.push(...ofCompanion(kind.companion, type, ttlMs));
    const stays = kind.kind === 'platform' && queueKeys.holds(key, this.#parts.cache.keyPrefix);
    if (kind.kind === 'platform' && !stays && ttlMs === -1) found.push(wrong('no_ttl', 'it stays'));
    if (kind.kind !== 'value') return found;

    const { family, tenant } = kind.parsed;
    if (this.#parts.roles.link(family.role) !== link)
      found.push(wrong('wrong_place', `role ${family.role} lies elsewhere`));
    found.push(...ofTtl(family, ttlMs));
    if (type !== family.redisType) found.push(wrong('wrong_type', `a ${type}, not a ${family.redisType}`));
    else if (found.length === 0 && this.#parts.readValues)
      found.push(...(await this.#ofValue(family, tenant, kind.key)));
    return found;
  }

  /** Of a key with which nothing else is wrong, so that nothing large is read. */
  async #ofValue(family: Family, tenant: string | null, key: string): Promise<readonly Wrong[]> {
    const { roles, cache, plain } = this.#parts;
    if (family.redisType === 'stream') return [];
    if (!ROLES[family.role].evictable) {
      const read = await plain.read({ family, tenant: tenant ?? '', key });
      return read.kind === 'unreadable' ? [wrong('unreadable_value', read.why)] : [];
    }
    const ref: KeyRef = { family, key, tenant: tenant ?? '' };
    const whose = tenant ?? (await presenceOf(ref, roles, cache.keyPrefix)).tenant ?? '';
    const { found } = (await cache.examine(valueReading({ ...ref, tenant: whose }))).seen;
    if (found.kind === 'hit') return [];
    if (found.unusable === 'unreadable') return [wrong('unreadable_value', 'it cannot be decoded as the family’s')];
    if (found.unusable === 'no_sidecar') return [wrong('foreign_value', 'nothing lies beside it')];
    if (found.unusable === 'mismatch') return [wrong('foreign_value', 'what lies beside it belongs to another value')];
    if (found.unusable === 'tenant') return [wrong('foreign_value', 'what lies beside it names another tenant')];
    return [];
  }
}

function ofTtl({ expiry, ttlRange }: Family, ttlMs: number): readonly Wrong[] {
  if (expiry === 'never') return [];
  if (ttlMs === -1) return [wrong('no_ttl', 'it stays')];
  const seconds = Math.floor(ttlMs / 1000);
  return seconds > ttlRange.max ? [wrong('ttl_too_long', `${seconds} s, and ${ttlRange.max} s at most`)] : [];
}

function ofCompanion({ value, expiry }: Companion, type: string, ttlMs: number): readonly Wrong[] {
  return [
    ...(type === value.redisType ? [] : [wrong('wrong_type', `a ${type}, not a ${value.redisType}`)]),
    ...(ttlMs === -1 && expiry !== 'never' ? [wrong('no_ttl', 'it stays')] : []),
  ];
}

function familyOf(kind: KeyKind): string | null {
  if (kind.kind === 'value') return kind.parsed.family.id;
  return kind.kind === 'companion' ? kind.companion.id : null;
}

function wrong(problem: Problem, detail: string): Wrong {
  return { problem, detail };
}

/** Null where the server does not say. */
async function memoryOf(key: string, link: RedisLink): Promise<number | null> {
  try {
    return await link.readAt(key, (client) => client.memory('USAGE', key));
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return null;
    throw error;
  }
}
