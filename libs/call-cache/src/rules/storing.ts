/**
 * Whether a response may be kept, and what of it: RFC 9111 §3. The rules stand in the order in which they are tried, each with
 * its section; the first that objects is the reason that is given.
 */
import { Directives, isTargeted } from './directives.js';
import { endToEnd, type Fields } from './fields.js';
import { hasExplicitLifetime, type Lifetime } from './freshness.js';
import { isUnderstood, mayBeHeuristic } from './statuses.js';

/** A response to a GET, or to what a service declares to be a lookup. */
export interface Candidate {
  readonly status: number;
  readonly fields: Fields;
  readonly lifetime: Lifetime;
  /** As it went to the origin. */
  readonly request: { readonly fields: Fields; readonly noStore: boolean };
  readonly receivedAtMs: number;
  /** One range was asked for, and is kept as such. */
  readonly part: boolean;
}

export type Objection =
  | 'request-no-store'
  | 'not-final'
  | 'partial'
  | 'endless'
  | 'no-store'
  | 'must-understand'
  | 'private'
  | 'authorization'
  | 'vary-everything'
  | 'set-cookie'
  | 'cookie'
  | 'not-cacheable'
  | 'of-no-use';

interface Considered extends Candidate {
  readonly says: Directives;
}

const RULES: readonly (readonly [objection: Objection, section: string, objects: (response: Considered) => boolean])[] =
  [
    ['request-no-store', '5.2.1.5', ({ request }) => request.noStore],
    ['not-final', '3: a final status code', ({ status }) => status < 200 || status === 304],
    ['partial', '3.3: kept by their range', ({ status, part }) => (status === 206) !== part],
    // Whoever waited for the end of one would wait for ever.
    ['endless', 'none: a stream of events is for its reader', ({ fields }) => isEndless(fields)],
    ['must-understand', '5.2.2.3', ({ says, status }) => says.has('must-understand') && !isUnderstood(status)],
    ['no-store', '5.2.2.5', ({ says }) => says.has('no-store') && !says.has('must-understand')],
    ['private', '5.2.2.7, for a shared cache', ({ says }) => says.whole('private')],
    ['authorization', '3.5', ({ request, says }) => request.fields.has('authorization') && !mayShareAuthorized(says)],
    ['vary-everything', '4.1', ({ fields }) => fields.tokens('vary').includes('*')],
    // Nobody said that these are for all: a lifetime of our own making does not reach so far (7.3).
    ['set-cookie', '7.3', (response) => setsCookies(response) && !saidByOrigin(response)],
    ['cookie', '7.3', (response) => response.request.fields.has('cookie') && !saidByOrigin(response)],
    ['not-cacheable', '3: what makes it cacheable', (response) => !isCacheable(response)],
    ['of-no-use', 'neither ever fresh nor to be validated', (response) => !isOfUse(response)],
  ];

/** Why it may not be kept; null: it may. */
export function objectionTo(candidate: Candidate): Objection | null {
  const considered = { ...candidate, says: Directives.of(candidate.fields) };
  return RULES.find(([, , objects]) => objects(considered))?.[0] ?? null;
}

const ENDLESS = /^\s*(?:text\/event-stream|multipart\/x-mixed-replace)\s*(?:;|$)/i;

function isEndless(fields: Fields): boolean {
  return ENDLESS.test(fields.joined('content-type') ?? '');
}

/** §3.5: that it was asked for with credentials does not matter. */
function mayShareAuthorized(says: Directives): boolean {
  return says.has('public') || says.has('must-revalidate') || says.has('s-maxage');
}

function setsCookies({ fields }: Considered): boolean {
  return fields.has('set-cookie') || fields.has('set-cookie2');
}

/** `max-age=0` says that it is for nobody else: an operator's lifetime for the path does not turn that round. */
function saidByOrigin({ fields, lifetime, receivedAtMs }: Considered): boolean {
  if (lifetime.source === 'override') return false;
  return lifetime.seconds > 0 && hasExplicitLifetime(fields, receivedAtMs);
}

function isCacheable({ says, fields, status, lifetime }: Considered): boolean {
  if (
    says.has('public') ||
    (fields.has('expires') && !isTargeted(fields)) ||
    says.has('max-age') ||
    says.has('s-maxage')
  )
    return true;
  return lifetime.source === 'service' || lifetime.source === 'override' || mayBeHeuristic(status);
}

function isOfUse({ fields, lifetime }: Considered): boolean {
  return lifetime.seconds > 0 || fields.has('etag') || fields.has('last-modified');
}

/**
 * What only the platform says of an answer: by the same names, another one's words would stand beside ours. `Cache-Status` is a
 * list, to which every cache adds its own (RFC 9211).
 */
export const SAID_BY_US: ReadonlySet<string> = new Set(['x-cache', 'x-request-id']);

/**
 * Nobody's cookies (7.3); `Age` is told anew at each use; trailers are not kept, so none are announced. `Set-Cookie2` sets none
 * any more (RFC 6265 §9): a field like any other.
 */
const NEVER_STORED: ReadonlySet<string> = new Set(['set-cookie', 'age', 'trailer', ...SAID_BY_US]);

/** §3.1: what of the header is kept. */
export function storedFields(fields: Fields): Fields {
  const says = Directives.of(fields);
  const listed = new Set([...says.fieldNames('no-cache'), ...says.fieldNames('private')]);
  return endToEnd(fields).without((name) => NEVER_STORED.has(name) || listed.has(name));
}
