import { KeyspaceError } from './keyspace-error.js';
import { parsePattern, type SegmentNames, type SegmentsOf, type SegmentToken, type Token } from './pattern.js';
import type { Role } from './roles.js';
import { isIdentityHash } from './segment-shape.js';
import { encodeSegmentText } from './segment-text.js';
import type { RedisType, ValueContract, ValueIn, ValueKind } from './values/value-contract.js';

/** The tenant whose keys are the documented ones. */
export const DEFAULT_TENANT = 'default';

/** The literal in front of every other tenant's keys. No family may begin with it. */
export const TENANT_LITERAL = 'tenant';

/**
 * When a key goes by itself.
 * - `fixed`: `ttlSeconds` after it was written.
 * - `sliding`: `ttlSeconds` after it was last used.
 * - `caller`: each write says when, because it follows from the value (a token's own expiry, a limit's window).
 * - `never`
 */
export type Expiry = 'fixed' | 'sliding' | 'caller' | 'never';

export interface TtlRange {
  readonly min: number;
  readonly max: number;
}

/** The broad variables of the process that set the TTL of several families. */
export type TtlVariable =
  'SESSION_TTL' | 'LLM_CACHE_TTL' | 'RATE_LIMIT_TTL' | 'ANALYTICS_TTL' | 'TEMP_DATA_TTL' | 'REDIS_TTL';

export interface FamilyDeclaration<P extends string, S, C extends ValueContract> {
  readonly id: string;
  readonly pattern: P;
  readonly role: Role;
  readonly description: string;
  readonly value: C;
  /** `null` for expiry `caller` and `never`. */
  readonly ttlSeconds: number | null;
  readonly ttlRange?: TtlRange;
  readonly ttlVariable?: TtlVariable;
  /** Default: `fixed` where there is a TTL, else `never`. */
  readonly expiry?: Expiry;
  /** Segments with a closed list of values. */
  readonly segments?: S;
  /** zstd above the threshold. Default: no, because other readers expect the plain form. */
  readonly compress?: boolean;
  /** AES-256-GCM over the whole value. Default: no. */
  readonly encrypt?: boolean;
  /** Fields whose text is a secret and is encrypted by itself, inside a value that stays readable. */
  readonly secretFields?: readonly string[];
  /** Systems outside the platform write these keys too, so a value without our sidecar is still a value. */
  readonly otherWriters?: boolean;
  /** The segment that is the hash tag in a cluster, for keys that one script takes together: see `placedKey`. */
  readonly slotBy?: SegmentNames<P>;
  /** Whether a process may keep decoded values in its own memory. Default: yes in the roles `cache` and `llm`; in others never. */
  readonly l1?: boolean;
}

/** A logical key: without KEY_PREFIX. */
export interface KeyRef<F extends Family = Family> {
  readonly family: F;
  readonly tenant: string;
  readonly key: string;
}

/** The type of a family's values. */
export type ValueOf<F extends Family> = ValueIn<F['value']>;

/** What the others hold must be seen as it stands in Redis, or is read once. */
const L1_ROLES: ReadonlySet<Role> = new Set(['cache', 'llm']);
const YEAR_SECONDS = 31_536_000;

/** One family of keys. Everything that is known about its keys is here, declared once. */
export class Family<P extends string = string, S = unknown, C extends ValueContract = ValueContract> {
  readonly id: string;
  readonly pattern: P;
  readonly role: Role;
  readonly description: string;
  readonly value: C;
  readonly ttlSeconds: number | null;
  readonly ttlRange: TtlRange;
  readonly ttlVariable: TtlVariable | undefined;
  readonly expiry: Expiry;
  readonly compress: boolean;
  readonly encrypt: boolean;
  readonly secretFields: readonly string[];
  readonly otherWriters: boolean;
  readonly l1: boolean;
  readonly slotBy: string | undefined;
  readonly tokens: readonly Token[];
  /** The key holds a hash of the request's identity, tenant included, and needs no `tenant:` in front. */
  readonly isolatedByIdentity: boolean;
  readonly #segments: readonly SegmentToken[];

  constructor(declaration: FamilyDeclaration<P, S, C>) {
    this.id = declaration.id;
    this.pattern = declaration.pattern;
    this.role = declaration.role;
    this.description = declaration.description;
    this.value = declaration.value;
    this.ttlSeconds = declaration.ttlSeconds;
    this.ttlRange = declaration.ttlRange ?? { min: 1, max: YEAR_SECONDS };
    this.ttlVariable = declaration.ttlVariable;
    this.expiry = declaration.expiry ?? (declaration.ttlSeconds === null ? 'never' : 'fixed');
    this.compress = declaration.compress ?? false;
    this.encrypt = declaration.encrypt ?? false;
    this.secretFields = declaration.secretFields ?? [];
    this.otherWriters = declaration.otherWriters ?? false;
    this.l1 = L1_ROLES.has(declaration.role) && (declaration.l1 ?? true);
    this.slotBy = declaration.slotBy;
    this.tokens = parsePattern(this.id, this.pattern, declaration.segments ?? {});
    this.#segments = this.tokens.filter((token) => 'segment' in token);
    this.isolatedByIdentity = this.#segments.some((token) => isIdentityHash(token.segment));
    Object.freeze(this);
  }

  get redisType(): RedisType {
    return this.value.redisType;
  }

  get kind(): ValueKind {
    return this.value.kind;
  }

  get segmentNames(): readonly string[] {
    return this.#segments.map((token) => token.segment);
  }

  /** The key for these segments. Throws `KeyspaceError` where a segment is missing, unknown or not of its shape. */
  at(segments: SegmentsOf<P, S>, tenant: string = DEFAULT_TENANT): KeyRef<this> {
    const given = segments as Readonly<Record<string, string>>;
    const names = Object.keys(given);
    if (names.length !== this.#segments.length) this.#refuseUnknown(names);
    let key = this.isolatedByIdentity ? '' : tenantPrefix(tenant);
    for (const [index, token] of this.tokens.entries()) {
      if (index > 0) key += ':';
      key += 'literal' in token ? token.literal : encodeSegmentText(this.#shaped(token, given));
    }
    return Object.freeze({ family: this, tenant, key });
  }

  /**
   * The parts of the keys that have these segments, whatever the others are; null for each that is not given.
   * @throws KeyspaceError where a segment is unknown or not of its shape
   */
  partsWith(segments: Readonly<Record<string, string>>): readonly (string | null)[] {
    this.#refuseUnknown(Object.keys(segments));
    return this.tokens.map((token) => {
      if ('literal' in token) return token.literal;
      return Object.hasOwn(segments, token.segment) ? encodeSegmentText(this.#shaped(token, segments)) : null;
    });
  }

  #shaped(token: SegmentToken, given: Readonly<Record<string, string>>): string {
    const content = Object.hasOwn(given, token.segment) ? given[token.segment] : undefined;
    if (typeof content !== 'string') {
      throw new KeyspaceError(
        'segment_missing',
        `family ${this.id} (${this.pattern}) needs ${token.segment} as a string`,
        {
          family: this.id,
        },
      );
    }
    const normal = token.shape.normalise?.(content) ?? content;
    if (!token.shape.accepts(normal)) {
      throw new KeyspaceError('segment_shape', `family ${this.id}: ${token.segment} takes ${token.shape.takes}`, {
        family: this.id,
      });
    }
    return normal;
  }

  #refuseUnknown(names: readonly string[]): void {
    const known = new Set(this.segmentNames);
    const unknown = names.find((name) => !known.has(name));
    if (unknown === undefined) return;
    throw new KeyspaceError(
      'segment_unknown',
      `family ${this.id} (${this.pattern}) has no segment ${JSON.stringify(unknown.slice(0, 60))}`,
      { family: this.id },
    );
  }
}

/** What stands before the key of a tenant in families whose keys do not isolate by themselves. */
export function tenantPrefix(tenant: string): string {
  return tenant === DEFAULT_TENANT ? '' : `${TENANT_LITERAL}:${encodeSegmentText(tenant)}:`;
}
