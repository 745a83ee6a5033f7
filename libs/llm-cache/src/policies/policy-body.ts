/** Policies as the API takes and shows them. */
import { MAX_TTL_SECONDS } from '@promptsales/cache-core';
import { summaryOf, type FieldError } from '@promptsales/http-edge';
import { given, isObject } from '../protocol/json-object.js';
import {
  DEFAULT_POLICY,
  POLICY_MODES,
  POLICY_SHARES,
  type CachePolicy,
  type PolicyMatch,
  type SemanticPolicy,
} from '../request/policy.js';
import { PolicyError } from './policy-error.js';
import type { StoredPolicy } from './policy-rows.js';

type Json = Readonly<Record<string, unknown>>;

/** More answers to one request than anybody tells apart, and few enough to be asked for one after the other. */
export const LARGEST_BUCKET = 100;
const LONGEST_NAME = 200;
const LONGEST_MATCH = 512;
const LEAST_DELTA = 0.0001;
const MOST_DELTA = 0.5;
export const SEMANTIC_OFF: SemanticPolicy = Object.freeze({ enabled: false, delta: 0.01, embedder: 'lexical' });

const MATCH_NAMES: Readonly<Record<string, keyof PolicyMatch>> = {
  provider: 'provider',
  model: 'model',
  tenant: 'tenant',
  key_id: 'keyId',
};
/** The members that an answer adds, so that an answer may be sent back as it is. */
const ADDED = ['created_at', 'updated_at'];

/**
 * What was sent as a policy of this name. Null stands for a member that is left out.
 * @throws PolicyError with every fault and its place
 */
export function policyIn(body: unknown, name: string): CachePolicy {
  const reader = new BodyReader();
  if (!isPolicyName(name)) {
    reader.fault('name', `must be a text of 1 to ${LONGEST_NAME} printable characters without blanks around it`);
  }
  if (!isObject(body)) {
    throw new PolicyError('validation_failed', 'The policy must be a JSON object.', [
      { path: '', message: 'must be a JSON object' },
    ]);
  }
  reader.only(body, '', ['name', 'match', 'mode', 'bucket', 'ttl', 'share', 'semantic', ...ADDED]);
  if (given(body['name']) && body['name'] !== name) reader.fault('name', 'names another policy than the path does');
  const mode = reader.oneOf(body['mode'], 'mode', POLICY_MODES) ?? 'all';
  const policy: CachePolicy = {
    name,
    match: reader.match(body['match'], name),
    mode,
    share: given(body['share']) ? (reader.oneOf(body['share'], 'share', POLICY_SHARES) ?? 'tenant') : 'tenant',
    ...reader.bucket(body['bucket'], mode),
    ...reader.ttl(body['ttl']),
    ...reader.semantic(body['semantic'], mode),
  };
  reader.refuse();
  return policy;
}

class BodyReader {
  readonly #faults: FieldError[] = [];

  fault(path: string, message: string): void {
    this.#faults.push({ path, message });
  }

  refuse(): void {
    if (this.#faults.length > 0) throw new PolicyError('validation_failed', summaryOf(this.#faults), this.#faults);
  }

  only(object: Json, parent: string, known: readonly string[]): void {
    for (const member of Object.keys(object)) {
      if (!known.includes(member)) {
        this.fault(`${parent}${member}`, `is not known here; there are ${known.join(', ')}`);
      }
    }
  }

  oneOf<T extends string>(value: unknown, path: string, choices: readonly T[]): T | null {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.fault(path, `must be one of ${choices.join(', ')}`);
    return found ?? null;
  }

  match(value: unknown, name: string): PolicyMatch {
    if (!given(value)) return {};
    if (!isObject(value)) {
      this.fault('match', 'must be an object');
      return {};
    }
    this.only(value, 'match.', Object.keys(MATCH_NAMES));
    const match: Partial<Record<keyof PolicyMatch, string>> = {};
    for (const [member, part] of Object.entries(MATCH_NAMES)) {
      const wanted = value[member];
      if (!given(wanted)) continue;
      if (isPrintable(wanted, LONGEST_MATCH)) match[part] = wanted;
      else this.fault(`match.${member}`, `must be a text of 1 to ${LONGEST_MATCH} printable characters`);
    }
    if (name === DEFAULT_POLICY.name && Object.keys(match).length > 0) {
      this.fault('match', 'must be left out: the policy default holds where no other does');
    }
    return match;
  }

  bucket(value: unknown, mode: CachePolicy['mode']): Pick<CachePolicy, 'bucket'> {
    if (!given(value)) {
      if (mode === 'bucket') this.fault('bucket', 'is needed with mode bucket: how many answers to keep');
      return {};
    }
    if (mode !== 'bucket') this.fault('bucket', 'can only be given with mode bucket');
    else if (isInteger(value, 1, LARGEST_BUCKET)) return { bucket: value };
    else this.fault('bucket', `must be an integer from 1 to ${LARGEST_BUCKET}`);
    return {};
  }

  ttl(value: unknown): Pick<CachePolicy, 'ttlSeconds'> {
    if (!given(value)) return {};
    if (isInteger(value, 1, MAX_TTL_SECONDS)) return { ttlSeconds: value };
    this.fault('ttl', `must be an integer from 1 to ${MAX_TTL_SECONDS} (seconds)`);
    return {};
  }

  semantic(value: unknown, mode: CachePolicy['mode']): Pick<CachePolicy, 'semantic'> {
    if (!given(value)) return {};
    if (!isObject(value)) {
      this.fault('semantic', 'must be an object');
      return {};
    }
    this.only(value, 'semantic.', ['enabled', 'delta', 'embedder']);
    const { enabled, delta } = value;
    if (typeof enabled !== 'boolean') this.fault('semantic.enabled', 'must be true or false');
    else if (enabled && (mode === 'bucket' || mode === 'off')) {
      this.fault('semantic.enabled', `cannot be true with mode ${mode}`);
    }
    if (given(delta) && !(typeof delta === 'number' && delta >= LEAST_DELTA && delta <= MOST_DELTA)) {
      this.fault(
        'semantic.delta',
        `must be a number from ${LEAST_DELTA} to ${MOST_DELTA}: the share of reused answers that may be wrong`,
      );
    }
    return {
      semantic: {
        enabled: enabled === true,
        delta: typeof delta === 'number' ? delta : SEMANTIC_OFF.delta,
        embedder: this.#embedder(value['embedder']),
      },
    };
  }

  #embedder(value: unknown): SemanticPolicy['embedder'] {
    if (!given(value) || value === 'lexical') return 'lexical';
    if (!isObject(value)) {
      this.fault('semantic.embedder', 'must be "lexical" or {"base_url", "model"}');
      return 'lexical';
    }
    this.only(value, 'semantic.embedder.', ['base_url', 'model']);
    const { base_url: baseUrl, model } = value;
    if (!isPrintable(model, LONGEST_MATCH)) {
      this.fault('semantic.embedder.model', `must be a text of 1 to ${LONGEST_MATCH} printable characters`);
    }
    if (!isBaseUrl(baseUrl)) {
      this.fault('semantic.embedder.base_url', 'must be an http or https URL without credentials, query or fragment');
    }
    return { baseUrl: String(baseUrl), model: String(model) };
  }
}

/** PostgreSQL is not asked for what cannot be a name. */
export function isPolicyName(name: string): boolean {
  return isPrintable(name, LONGEST_NAME);
}

/** Without when it was made: what was decided. */
export function policyBody(policy: CachePolicy): Json {
  const { name, match, mode, bucket, ttlSeconds, share, semantic = SEMANTIC_OFF } = policy;
  const { enabled, delta, embedder } = semantic;
  return {
    name,
    match: Object.fromEntries(
      Object.entries(MATCH_NAMES).flatMap(([member, part]) =>
        match[part] === undefined ? [] : [[member, match[part]] as const],
      ),
    ),
    mode,
    ...(bucket === undefined ? {} : { bucket }),
    ...(ttlSeconds === undefined ? {} : { ttl: ttlSeconds }),
    share,
    semantic: {
      enabled,
      delta,
      embedder: embedder === 'lexical' ? embedder : { base_url: embedder.baseUrl, model: embedder.model },
    },
  };
}

export function policyAnswer(policy: StoredPolicy): Json {
  return { ...policyBody(policy), created_at: policy.createdAt, updated_at: policy.updatedAt };
}

function isInteger(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** What PostgreSQL can hold and a person can tell apart. */
function isPrintable(value: unknown, longest: number): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= longest &&
    value === value.trim() &&
    value.isWellFormed() &&
    !/[\p{Cc}\u2028\u2029]/u.test(value)
  );
}

function isBaseUrl(value: unknown): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
