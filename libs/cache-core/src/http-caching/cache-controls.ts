/**
 * What a caller may say about caching: RFC 9111 request directives and our own `x-cache-*` headers.
 *
 * Strict on purpose: a directive that we know but cannot read, or a header that is not a directive list at all, is an
 * error, because a caller who mistypes `max-age` would otherwise silently be served what he did not want. A directive
 * that is well formed but unknown to us is ignored, as RFC 9111 §5.2.3 demands.
 */

/** A caller said something about caching that cannot be read. */
export class CacheControlError extends Error {
  constructor(
    readonly code: 'invalid_cache_control' | 'invalid_cache_header',
    /** The header's name, in lower case. */
    readonly header: string,
    message: string,
  ) {
    super(message);
    this.name = 'CacheControlError';
  }
}

export interface CacheControls {
  /** Do not answer from the cache; what the upstream answers is stored. */
  readonly noCache: boolean;
  /** Neither answer from the cache nor store. */
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  /** Seconds; null where the caller set no bound. */
  readonly maxAgeSeconds: number | null;
  readonly staleWhileRevalidateSeconds: number | null;
  readonly staleIfErrorSeconds: number | null;
  readonly namespace: string;
  readonly ttlSeconds: number | null;
  readonly tags: readonly string[];
}

export const MAX_TTL_SECONDS = 604_800;
const MAX_NAMESPACE_LENGTH = 128;
const MAX_TAGS = 32;
const MAX_TAG_LENGTH = 128;
/** RFC 9111 §1.2.2: a larger number of seconds reads as this one. */
const MAX_DELTA_SECONDS = 2_147_483_648;

/** Names in lower case, as Node gives them. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

export const NO_CACHE_CONTROLS: CacheControls = Object.freeze({
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  maxAgeSeconds: null,
  staleWhileRevalidateSeconds: null,
  staleIfErrorSeconds: null,
  namespace: '',
  ttlSeconds: null,
  tags: Object.freeze([]),
});

/**
 * Reads all request headers that steer caching.
 * @throws CacheControlError
 */
export function parseCacheControls(headers: RequestHeaders): CacheControls {
  const cacheControl = one(headers, 'cache-control');
  const namespace = one(headers, 'x-cache-namespace');
  const ttl = one(headers, 'x-cache-ttl');
  const tags = one(headers, 'x-cache-tags');
  // Nearly every request says nothing: it shares one frozen object.
  if (cacheControl === undefined && namespace === undefined && ttl === undefined && tags === undefined) {
    return NO_CACHE_CONTROLS;
  }
  return Object.freeze({
    ...(cacheControl === undefined ? NO_CACHE_CONTROLS : parseDirectives(cacheControl)),
    namespace: namespace === undefined ? '' : parseNamespace(namespace),
    ttlSeconds: ttl === undefined ? null : parseTtl(ttl),
    tags: tags === undefined ? NO_CACHE_CONTROLS.tags : parseTags(tags),
  });
}

function one(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

const TOKEN = String.raw`[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+`;
const DIRECTIVE = new RegExp(
  String.raw`[\t ]*(${TOKEN})(?:=(?:(${TOKEN})|"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t\x20-\x7e])*)"))?[\t ]*(?:,|$)`,
  'y',
);
const EMPTY_ELEMENT = /[\t ]*(?:,|$)/y;

const FLAGS = new Map([
  ['no-cache', 'noCache'],
  ['no-store', 'noStore'],
  ['only-if-cached', 'onlyIfCached'],
] as const);
const SECONDS = new Map([
  ['max-age', 'maxAgeSeconds'],
  ['stale-while-revalidate', 'staleWhileRevalidateSeconds'],
  ['stale-if-error', 'staleIfErrorSeconds'],
] as const);

type Directives = {
  -readonly [Name in 'noCache' | 'noStore' | 'onlyIfCached']: boolean;
} & { -readonly [Name in 'maxAgeSeconds' | 'staleWhileRevalidateSeconds' | 'staleIfErrorSeconds']: number | null };

function parseDirectives(text: string): CacheControls {
  const found: Directives = {
    noCache: false,
    noStore: false,
    onlyIfCached: false,
    maxAgeSeconds: null,
    staleWhileRevalidateSeconds: null,
    staleIfErrorSeconds: null,
  };
  for (const [name, argument] of directivesIn(text)) {
    const flag = FLAGS.get(name as 'no-cache');
    if (flag !== undefined) {
      if (argument !== null)
        throw badControl(`'${name}' takes no value in a request, but got ${JSON.stringify(argument)}`);
      found[flag] = true;
      continue;
    }
    const seconds = SECONDS.get(name as 'max-age');
    if (seconds === undefined) continue;
    const value = parseDeltaSeconds(name, argument);
    if (found[seconds] !== null && found[seconds] !== value)
      throw badControl(`'${name}' is given twice with different values`);
    found[seconds] = value;
  }
  return { ...NO_CACHE_CONTROLS, ...found };
}

function directivesIn(text: string): [name: string, argument: string | null][] {
  const found: [string, string | null][] = [];
  let position = 0;
  while (position < text.length) {
    EMPTY_ELEMENT.lastIndex = position;
    if (EMPTY_ELEMENT.test(text)) {
      position = EMPTY_ELEMENT.lastIndex;
      continue;
    }
    DIRECTIVE.lastIndex = position;
    const match = DIRECTIVE.exec(text);
    if (match === null) throw badControl(`it is not a list of directives at character ${position + 1}`);
    position = DIRECTIVE.lastIndex;
    const [, name = '', token, quoted] = match;
    found.push([name.toLowerCase(), token ?? quoted?.replaceAll(/\\(.)/g, '$1') ?? null]);
  }
  return found;
}

function parseDeltaSeconds(name: string, argument: string | null): number {
  if (argument === null || !/^\d+$/.test(argument)) {
    throw badControl(
      `'${name}' takes a whole number of seconds, but got ${argument === null ? 'none' : JSON.stringify(argument)}`,
    );
  }
  return Math.min(Number(argument), MAX_DELTA_SECONDS);
}

function badControl(problem: string): CacheControlError {
  return new CacheControlError('invalid_cache_control', 'cache-control', `Invalid 'Cache-Control' header: ${problem}.`);
}

function parseNamespace(text: string): string {
  if (text.length > MAX_NAMESPACE_LENGTH || !/^[\x20-\x7e]*$/.test(text)) {
    throw badHeader('x-cache-namespace', `expected at most ${MAX_NAMESPACE_LENGTH} printable ASCII characters`);
  }
  return text;
}

function parseTtl(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds >= 1 && seconds <= MAX_TTL_SECONDS)) {
    throw badHeader(
      'x-cache-ttl',
      `expected a whole number of seconds from 1 to ${MAX_TTL_SECONDS}, but got ${JSON.stringify(text)}`,
    );
  }
  return seconds;
}

function parseTags(text: string): readonly string[] {
  const tags = new Set<string>();
  for (const part of text.split(',')) {
    const tag = part.trim();
    if (tag === '') continue;
    if (tag.length > MAX_TAG_LENGTH || !/^[\x21-\x7e]+$/.test(tag)) {
      throw badHeader('x-cache-tags', `each tag is 1 to ${MAX_TAG_LENGTH} printable ASCII characters without spaces`);
    }
    tags.add(tag);
  }
  if (tags.size > MAX_TAGS) throw badHeader('x-cache-tags', `at most ${MAX_TAGS} tags, but got ${tags.size}`);
  return Object.freeze([...tags]);
}

function badHeader(name: string, problem: string): CacheControlError {
  return new CacheControlError('invalid_cache_header', name, `Invalid '${name}' header: ${problem}.`);
}
