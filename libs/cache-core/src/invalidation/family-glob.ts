/**
 * A glob over the keys of one family and one tenant.
 *
 * Invariants
 * 1. It covers keys of one family only. The literal parts of the family's pattern stand in it as they are; wildcards stand
 *    in variable segments and never reach past a `:`.
 * 2. It covers keys of one tenant only (in families whose keys hold an identity hash the tenant is not to be seen: such a
 *    glob is for administrators). What stands behind `tenant:` is never variable.
 * 3. It covers values. What lies beside them (sidecar, lease, parts) goes with them, and cannot be named.
 * 4. What Redis is asked to look for (`scanGlob`) is never narrower than what the glob covers; `covers` decides.
 */
import type { Catalogue } from '../keyspace/catalogue.js';
import { DEFAULT_TENANT, TENANT_LITERAL, tenantPrefix, type Family, type KeyRef } from '../keyspace/family.js';
import { catalogue as ofThePlatform } from '../keyspace/keyspace.js';
import { ROLES } from '../keyspace/roles.js';
import { encodeSegmentText } from '../keyspace/segment-text.js';
import { GlobRefusedError } from './glob-refused-error.js';
import { parseWildcard, type Wildcard } from './wildcard.js';

const LONGEST_GLOB = 2000;
/** Redis's own matching gets slower with each star; from here on it looks for what comes before and `covers` decides. */
const MOST_STARS_IN_REDIS = 4;

export class FamilyGlob {
  /** As it is shown: the documented form of the tenant's keys. */
  readonly text: string;
  readonly family: Family;
  readonly tenant: string;
  readonly #lead: string;
  readonly #segments: readonly Wildcard[];
  /** Families some of whose keys look as if they were covered, and are not. */
  readonly #rivals: boolean;
  readonly #catalogue: Catalogue;

  private constructor(family: Family, tenant: string, parts: readonly string[], catalogue: Catalogue) {
    this.family = family;
    this.tenant = tenant;
    this.text = parts.join(':');
    this.#lead = family.isolatedByIdentity ? '' : tenantPrefix(tenant);
    this.#segments = parts.map(wildcardOf);
    this.#catalogue = catalogue;
    this.#rivals = catalogue.families.some(
      (other) =>
        other !== family &&
        other.tokens.length === parts.length &&
        other.tokens.every((token, at) => !('literal' in token) || this.#segments[at]?.matches(token.literal)),
    );
  }

  /**
   * Reads a glob as a tenant writes it: in the documented form of its keys, or behind its own `tenant:{tenant}:`. A star that
   * ends it stands for all variable segments that are left.
   * @throws GlobRefusedError
   */
  static parse(text: string, tenant: string = DEFAULT_TENANT, catalogue: Catalogue = ofThePlatform): FamilyGlob {
    if (text === '') throw new GlobRefusedError('form', text, 'a pattern has at least one character');
    if (text.length > LONGEST_GLOB) {
      throw new GlobRefusedError('form', text, `a pattern has at most ${LONGEST_GLOB} characters`);
    }
    const parts = ownPart(text, tenant).split(':');
    const [first = ''] = parts;
    if (catalogue.isReserved(first)) {
      throw new GlobRefusedError(
        'companions',
        text,
        `${first}: is where the platform keeps what belongs to other keys; name those, and it goes with them`,
      );
    }
    for (const part of parts.slice(1)) wildcardOf(part);
    if (!wildcardOf(first).literal) {
      throw new GlobRefusedError(
        'everything',
        text,
        'it would reach into every family: begin with the literal part of one, such as app:*',
      );
    }
    const [family, ...others] = familiesOf(parts, catalogue);
    if (family === undefined || others.length > 0) throw noSingleFamily(text, parts, catalogue);
    if (!ROLES[family.role].evictable) {
      throw new GlobRefusedError(
        'not_a_cache',
        text,
        `keys of ${family.id} are no copies of anything: role ${family.role} must not lose them`,
      );
    }
    const rest = Array.from({ length: family.tokens.length - parts.length }, () => '*');
    return new FamilyGlob(family, tenant, [...parts, ...rest], catalogue);
  }

  /**
   * All keys with these segments, whatever the others are.
   * @throws GlobRefusedError, KeyspaceError for segments that the family does not have
   */
  static of(
    family: Family,
    segments: Readonly<Record<string, string>>,
    tenant: string = DEFAULT_TENANT,
    catalogue: Catalogue = ofThePlatform,
  ): FamilyGlob {
    const parts = family.partsWith(segments).map((part) => part ?? '*');
    return FamilyGlob.parse(parts.join(':'), tenant, catalogue);
  }

  /** The one key that it covers, if nothing of it is variable. */
  get onlyKey(): KeyRef | null {
    if (!this.#segments.every(({ literal }) => literal)) return null;
    return Object.freeze({ family: this.family, tenant: this.tenant, key: this.root });
  }

  /** Whether it is only for those who may act on all tenants of the installation. */
  get reachesAllTenants(): boolean {
    return this.family.isolatedByIdentity;
  }

  /** Covers all keys of the family and the tenant. */
  get wholeFamily(): boolean {
    return this.family.tokens.every((token, at) => 'literal' in token || this.#segments[at]?.anything);
  }

  /** What all covered keys begin with, KEY_PREFIX not included. */
  get root(): string {
    let root = this.#lead;
    for (const [at, segment] of this.#segments.entries()) {
      root += (at > 0 ? ':' : '') + segment.literalBeginning;
      if (!segment.literal) break;
    }
    return root;
  }

  /** Whether a logical key is covered. What somebody else has written in this family's place is; a neighbour's key is not. */
  covers(key: string): boolean {
    if (!key.startsWith(this.#lead)) return false;
    const parts = key.slice(this.#lead.length).split(':');
    if (parts.length !== this.#segments.length) return false;
    if (!this.#segments.every((segment, at) => segment.matches(parts[at] as string))) return false;
    if (!this.#rivals) return true;
    const owner = this.#catalogue.parseKey(key)?.family;
    return owner === undefined || owner === this.family;
  }

  /** What to let Redis look for among logical keys: at least all that is covered. */
  get scanGlob(): string {
    const text = this.text.replaceAll(/\[\^?[^\]]+\]|\?/g, '*').replaceAll(/\*+/g, '*');
    const [beginning = '', ...variable] = text.split('*');
    const kept = [beginning, ...variable.slice(0, MOST_STARS_IN_REDIS)].join('*');
    return this.#lead + (variable.length > MOST_STARS_IN_REDIS ? `${kept}*` : kept);
  }
}

/** The glob without the caller's own tenant in front of it. */
function ownPart(text: string, tenant: string): string {
  if (!text.startsWith(`${TENANT_LITERAL}:`)) return text;
  const own = `${TENANT_LITERAL}:${encodeSegmentText(tenant)}:`;
  if (tenant !== DEFAULT_TENANT && text.startsWith(own)) return text.slice(own.length);
  throw new GlobRefusedError('tenant', text, 'it reaches for keys of another tenant: a pattern covers one’s own only');
}

function wildcardOf(part: string): Wildcard {
  // None of these stands in a key (see segment-text.ts): whoever writes one means something else than he would get.
  const stray = /[\\{}\s\p{Cc}\p{Cs}]/u.exec(part)?.[0];
  if (stray !== undefined) {
    const shown = JSON.stringify(stray);
    throw new GlobRefusedError(
      'form',
      part,
      `${shown} stands in no key; it is written %XX there, as in the keys themselves`,
    );
  }
  const wildcard = parseWildcard(part);
  if (wildcard === null) throw new GlobRefusedError('form', part, 'a set is written [abc], [a-z] or [^a-z]');
  return wildcard;
}

function fits(family: Family, parts: readonly string[]): boolean {
  return (
    family.tokens.length === parts.length &&
    family.tokens.every((token, at) => ('literal' in token ? token.literal === parts[at] : parts[at] !== ''))
  );
}

/** Its beginning is the family's, and the star that ends it can stand for segments that are all variable. */
function fitsRest(family: Family, parts: readonly string[]): boolean {
  if (parts.at(-1) !== '*' || family.tokens.length <= parts.length) return false;
  const before = parts.slice(0, -1);
  return family.tokens.every((token, at) => {
    if (at >= before.length) return 'segment' in token;
    return 'literal' in token ? token.literal === before[at] : before[at] !== '';
  });
}

/** The families that a glob can mean. One that has all its segments comes before those that a last star completes. */
function familiesOf(parts: readonly string[], catalogue: Catalogue): readonly Family[] {
  const exact = catalogue.families.filter((family) => fits(family, parts));
  return exact.length > 0 ? exact : catalogue.families.filter((family) => fitsRest(family, parts));
}

function noSingleFamily(text: string, parts: readonly string[], catalogue: Catalogue): GlobRefusedError {
  const [first] = parts;
  const near = catalogue.families.filter(
    ({ tokens: [token] }) => token && 'literal' in token && token.literal === first,
  );
  const copies = near.filter(({ role }) => ROLES[role].evictable);
  // Whoever leaves segments out mostly means all that begin so.
  const begun = [...(parts.at(-1) === '' ? parts.slice(0, -1) : parts), '*'];
  const [meant, ...others] = familiesOf(begun, catalogue);
  const globs =
    meant !== undefined && others.length === 0 && copies.includes(meant)
      ? [begun.join(':')]
      : copies.map(({ tokens }) => tokens.map((token) => ('literal' in token ? token.literal : '*')).join(':'));
  return near.length === 0
    ? new GlobRefusedError('unknown_family', text, `no family’s keys begin with ${first}:`)
    : new GlobRefusedError(
        'no_single_family',
        text,
        'it lies in no single family; wildcards stand in variable segments and do not reach past a colon',
        globs,
      );
}
