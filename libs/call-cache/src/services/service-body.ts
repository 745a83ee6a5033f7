/** Services as they are sent, checked and understood. */
import { parseRate, type Rate } from '@promptsales/cache-core';
import { isPrivateHost, secretQueryNames, type FieldError } from '@promptsales/http-edge';
import { Compile, type Validator } from 'typebox/compile';
import { SERVICE, type ServiceBody } from './service-schema.js';
import { PathPattern, type Service, type ServiceBreaker } from './service.js';
import { ServiceError } from './service-error.js';

/** The members that an answer adds, so that an answer may be sent back as it is. */
const ADDED: ReadonlySet<string> = new Set(['name', 'created_at', 'updated_at']);
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\x20-\x7e\x80-\xff]*$/;
/** They frame or route a request. */
const FIXED_FIELDS: ReadonlySet<string> = new Set(
  (
    'connection content-length expect host keep-alive proxy-authorization proxy-connection surrogate-capability te ' +
    'trailer transfer-encoding upgrade via'
  ).split(' '),
);
const DEFAULT_CONCURRENCY = 256;
const DEFAULT_STALE_IF_ERROR = 300;
const MOST_FAULTS = 100;
const SECONDS = 'must be seconds, an integer from 0 to 31536000';
const TRUTH = 'must be true or false';
/** What each member must be, in the words of the documentation. */
const MUST: Readonly<Record<keyof ServiceBody, string>> = {
  base_url: 'must be an http or https URL of at most 2048 characters, without a user and a fragment; see credentials',
  headers: 'must be an object of texts of at most 8192 characters each',
  credentials: 'must be a text, {bearer}, {username, password} or {header, value}, of texts',
  ttl: SECONDS,
  ttl_rules:
    'must be a list of at most 100 {path, ttl, override?, name?}: path begins with /, ttl is seconds, override true or false, name 1 to 100 of A-Z a-z 0-9 _ . -',
  lookup_posts: 'must be a list of at most 100 paths that begin with /',
  forward_authorization: TRUTH,
  stale_if_error: SECONDS,
  private_addresses: TRUTH,
  rate_limit:
    'must be such as 500/minuto (segundo, minuto, hora, dia) or {limit, window_seconds}, integers from 1 to 1000000000 and 86400',
  concurrency: 'must be an integer from 1 to 10000',
  breaker:
    'must be an object of the integers consecutive_failures (from 1), failure_percent (1 to 100), minimum_calls (from 1), open_seconds (1 to 120)',
};

let validators: ReadonlyMap<string, Validator> | undefined;

export function isServiceName(name: string): boolean {
  return NAME.test(name);
}

/** @throws ServiceError with every fault and its place */
export function serviceIn(sent: unknown, name: string): ServiceBody {
  if (!isServiceName(name)) {
    throw refused([
      { path: 'name', message: 'must be 1 to 100 of A-Z a-z 0-9 _ . -, beginning with a letter or a digit' },
    ]);
  }
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    throw refused([{ path: '', message: 'must be a JSON object' }]);
  }
  const given = Object.entries(sent).filter(([, value]) => value !== null);
  const named = given.find(([member]) => member === 'name')?.[1];
  if (named !== undefined && named !== name)
    throw refused([{ path: 'name', message: 'is another one than the path names' }]);
  const body: Readonly<Record<string, unknown>> = Object.fromEntries(given.filter(([member]) => !ADDED.has(member)));
  const faults = [
    ...(Object.hasOwn(body, 'base_url') ? [] : [{ path: 'base_url', message: `is needed: it ${MUST.base_url}` }]),
    ...Object.entries(body).flatMap(([member, value]) => faultsOfMember(member, value)),
  ];
  if (faults.length > 0) throw refused(faults.slice(0, MOST_FAULTS));
  return body as unknown as ServiceBody;
}

/** Of each place in it that cannot be taken, what the member must be; none for one that can. */
function faultsOfMember(member: string, value: unknown): readonly FieldError[] {
  validators ??= new Map(Object.entries(SERVICE.properties).map(([name, schema]) => [name, Compile(schema)]));
  const validator = validators.get(member);
  if (validator === undefined) {
    return [{ path: member, message: `is not known here; there are ${Object.keys(MUST).join(', ')}` }];
  }
  const message = MUST[member as keyof ServiceBody];
  if (validator.Check(value)) {
    if (member === 'base_url') return faultsOfUrl(value as string);
    const wrong = member === 'rate_limit' && rateOf(value as ServiceBody['rate_limit']) === null;
    return wrong ? [{ path: member, message }] : [];
  }
  // Where it may be one of several, which of them was meant is not known.
  const several = member === 'credentials' || member === 'rate_limit';
  const places = several ? [''] : [...new Set(validator.Errors(value).map(({ instancePath }) => instancePath))];
  return places
    .filter((place) => !places.some((other) => other.startsWith(`${place}/`)))
    .map((place) => ({ path: dotted(`/${member}${place}`), message }));
}

function faultsOfUrl(text: string): readonly FieldError[] {
  const url = URL.parse(text);
  const taken =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '';
  if (!taken) return [{ path: 'base_url', message: MUST.base_url }];
  const [secret] = secretQueryNames(url);
  if (secret === undefined) return [];
  const message = `is shown as it is and cannot hold the secret ${secret}; see credentials and headers`;
  return [{ path: 'base_url', message }];
}

/**
 * What is sent along, once masks stand for their secrets no more.
 * @throws ServiceError
 */
export function checkService(body: ServiceBody): void {
  const faults: FieldError[] = [];
  const credential = credentialField(body.credentials);
  const fields = [...Object.entries(body.headers ?? {}), ...(credential === null ? [] : [credential])];
  for (const [name, value] of fields) {
    const path = name === credential?.[0] && value === credential[1] ? 'credentials' : `headers.${name}`;
    if (!FIELD_NAME.test(name) || FIXED_FIELDS.has(name.toLowerCase())) {
      faults.push({ path, message: 'is not the name of a field that can be set' });
    } else if (!FIELD_VALUE.test(value)) {
      faults.push({ path, message: 'has characters that a field cannot hold' });
    }
  }
  if (faults.length > 0) throw refused(faults);
}

export interface StoredService {
  readonly name: string;
  /** Its secrets revealed. */
  readonly body: ServiceBody;
  readonly space: string;
}

export function serviceOf({ name, body, space }: StoredService, defaultTtl: number): Service {
  const baseUrl = new URL(body.base_url);
  const credential = credentialField(body.credentials);
  const headers = Object.entries(body.headers ?? {}).filter(
    ([field]) => field.toLowerCase() !== credential?.[0].toLowerCase(),
  );
  return Object.freeze({
    name,
    baseUrl,
    space,
    headers: credential === null ? headers : [...headers, credential],
    ttl: body.ttl ?? defaultTtl,
    ttlRules: (body.ttl_rules ?? []).map(({ path, ttl, override = false, name: operation = null }) => ({
      path: new PathPattern(path),
      ttl,
      override,
      name: operation,
    })),
    lookupPosts: (body.lookup_posts ?? []).map((path) => new PathPattern(path)),
    forwardAuthorization: body.forward_authorization ?? false,
    staleIfError: body.stale_if_error ?? DEFAULT_STALE_IF_ERROR,
    privateAddresses: body.private_addresses ?? isPrivateHost(baseUrl.hostname),
    rateLimit: rateOf(body.rate_limit),
    concurrency: body.concurrency ?? DEFAULT_CONCURRENCY,
    breaker: breakerOf(body.breaker),
  });
}

function credentialField(credentials: ServiceBody['credentials']): [name: string, value: string] | null {
  if (credentials === undefined || credentials === null) return null;
  if (typeof credentials === 'string') return ['Authorization', `Bearer ${credentials}`];
  if ('bearer' in credentials) return ['Authorization', `Bearer ${credentials.bearer}`];
  if ('header' in credentials) return [credentials.header, credentials.value];
  const { username, password } = credentials;
  return ['Authorization', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`];
}

function rateOf(given: ServiceBody['rate_limit']): Rate | null {
  if (given === undefined) return null;
  if (typeof given !== 'string') return { requests: given.limit, windowSeconds: given.window_seconds };
  const rate = parseRate(given);
  // A service that may never be asked is none.
  return rate === null || rate.requests === 0 ? null : rate;
}

function breakerOf(given: ServiceBody['breaker']): ServiceBreaker | null {
  if (given === undefined) return null;
  return {
    ...(given.consecutive_failures === undefined ? {} : { consecutiveFailures: given.consecutive_failures }),
    ...(given.failure_percent === undefined ? {} : { failureRatio: given.failure_percent / 100 }),
    ...(given.minimum_calls === undefined ? {} : { minimumCalls: given.minimum_calls }),
    ...(given.open_seconds === undefined ? {} : { firstOpenMs: given.open_seconds * 1000 }),
  };
}

function dotted(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((text, step) => (/^\d+$/.test(step) ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`), '');
}

function refused(faults: readonly FieldError[]): ServiceError {
  const [first] = faults;
  const message =
    faults.length === 1 && first !== undefined
      ? `${first.path}: ${first.message}`.replace(/^: /, 'The service ')
      : `${faults.length} members cannot be taken; see "errors".`;
  return new ServiceError('validation_failed', message, faults);
}
