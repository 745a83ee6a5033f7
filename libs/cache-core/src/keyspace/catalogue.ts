/** All families together: checked against each other when they are put together, and found again from a key. */
import { mayMeet } from './ambiguity.js';
import { DEFAULT_TENANT, TENANT_LITERAL, type Family } from './family.js';
import { KeyspaceError } from './keyspace-error.js';
import type { Token } from './pattern.js';
import { decodeSegmentText, isAbbreviated } from './segment-text.js';

export interface ParsedKey {
  readonly family: Family;
  /** The inputs of `family.at()`. An abbreviated segment is given as it stands in the key, and listed. */
  readonly segments: Readonly<Record<string, string>>;
  /** `null` in families isolated by an identity hash: the tenant is inside the hash. */
  readonly tenant: string | null;
  /** Segments (or `tenant`) whose input was too long to stand in the key and cannot be told from it. */
  readonly abbreviated: readonly string[];
}

/** Keys of our own that belong to no family: the first literal of their keys is theirs alone. */
export interface ReservedLabel {
  readonly id: string;
  readonly label: string;
}

export class Catalogue {
  readonly families: readonly Family[];
  readonly #byTokenCount = new Map<number, Family[]>();
  readonly #byId = new Map<string, Family>();
  readonly #reserved: ReadonlySet<string>;

  constructor(families: readonly Family[], others: readonly ReservedLabel[] = []) {
    const reserved = new Map<string, string>([[TENANT_LITERAL, 'keys of other tenants than the default one']]);
    for (const other of others) {
      if (!/^[a-z][a-z0-9_]*$/.test(other.label) || reserved.has(other.label)) {
        throw new KeyspaceError('declaration', `${other.id}: the label ${other.label} is not free`);
      }
      reserved.set(other.label, other.id);
    }
    for (const family of families) this.#add(family, reserved);
    this.#reserved = new Set(reserved.keys());
    this.families = Object.freeze([...families]);
  }

  family(id: string): Family | undefined {
    return this.#byId.get(id);
  }

  /** Whether no family's keys may begin with it, because others of our own do. */
  isReserved(label: string): boolean {
    return this.#reserved.has(label);
  }

  /**
   * Which family a logical key belongs to, and with which inputs. `null` for every key that no `family.at()` gives:
   * a foreign key, or one that another system wrote without escaping.
   */
  parseKey(key: string): ParsedKey | null {
    const parts = key.split(':');
    if (parts[0] !== TENANT_LITERAL) return this.#match(parts, DEFAULT_TENANT, []);
    const encoded = parts[1] ?? '';
    const tenant = isAbbreviated(encoded) ? encoded : decodeSegmentText(encoded);
    if (tenant === undefined || tenant === DEFAULT_TENANT) return null;
    return this.#match(parts.slice(2), tenant, isAbbreviated(encoded) ? [TENANT_LITERAL] : []);
  }

  #match(parts: readonly string[], tenant: string, abbreviated: readonly string[]): ParsedKey | null {
    for (const family of this.#byTokenCount.get(parts.length) ?? []) {
      if (family.isolatedByIdentity && tenant !== DEFAULT_TENANT) continue;
      const read = readTokens(family.tokens, parts);
      if (read === undefined) continue;
      return {
        family,
        segments: Object.freeze(read.segments),
        tenant: family.isolatedByIdentity ? null : tenant,
        abbreviated: [...abbreviated, ...read.abbreviated],
      };
    }
    return null;
  }

  #add(family: Family, reserved: ReadonlyMap<string, string>): void {
    const refuse = (why: string) =>
      new KeyspaceError('declaration', `family ${family.id}: ${why}`, { family: family.id });
    const first = family.tokens[0];
    const holder = first !== undefined && 'literal' in first ? reserved.get(first.literal) : undefined;
    if (holder !== undefined) throw refuse(`the first literal of ${family.pattern} is reserved for ${holder}`);
    if (family.segmentNames.includes(TENANT_LITERAL)) throw refuse('no segment may be named tenant');
    if (this.#byId.has(family.id)) throw refuse('the id is declared twice');
    if ((family.ttlSeconds === null) !== (family.expiry === 'caller' || family.expiry === 'never')) {
      throw refuse(`expiry ${family.expiry} and a TTL of ${family.ttlSeconds} contradict each other`);
    }
    if (
      family.ttlSeconds !== null &&
      (family.ttlSeconds < family.ttlRange.min || family.ttlSeconds > family.ttlRange.max)
    ) {
      throw refuse(`its TTL of ${family.ttlSeconds} s lies outside its own range`);
    }
    const peers = this.#byTokenCount.get(family.tokens.length) ?? [];
    for (const peer of peers) {
      if (mayMeet(peer.tokens, family.tokens))
        throw refuse(`${family.pattern} can give a key of ${peer.id} (${peer.pattern})`);
    }
    this.#byTokenCount.set(family.tokens.length, [...peers, family]);
    this.#byId.set(family.id, family);
  }
}

function readTokens(
  tokens: readonly Token[],
  parts: readonly string[],
): { segments: Record<string, string>; abbreviated: string[] } | undefined {
  const segments: Record<string, string> = {};
  const abbreviated: string[] = [];
  for (const [index, token] of tokens.entries()) {
    const part = parts[index];
    if (part === undefined) return undefined;
    if ('literal' in token) {
      if (token.literal !== part) return undefined;
    } else if (isAbbreviated(part) && token.shape.fixedLength === undefined && token.shape.values === undefined) {
      segments[token.segment] = part;
      abbreviated.push(token.segment);
    } else {
      const decoded = decodeSegmentText(part);
      if (decoded === undefined || !token.shape.accepts(decoded)) return undefined;
      if ((token.shape.normalise?.(decoded) ?? decoded) !== decoded) return undefined;
      segments[token.segment] = decoded;
    }
  }
  return { segments, abbreviated };
}
