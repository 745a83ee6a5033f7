/** What of a request goes to the service, and what of its answer comes back. */
import { SURROGATE } from '../rules/directives.js';
import { endToEnd, Fields, type FieldLine } from '../rules/fields.js';
import { SAID_BY_US } from '../rules/storing.js';
import type { Service } from '../services/service.js';

/** How this cache calls itself (RFC 9110 §7.6.3). */
const VIA = '1.1 promptsales';

/** For us alone, or said anew to the service. */
const OURS: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'surrogate-capability',
  'trailer',
  'upgrade-insecure-requests',
  'via',
  'x-api-key',
  'x-cache-namespace',
  'x-cache-tags',
  'x-cache-ttl',
  'x-campana-id',
  'x-cliente-id',
  // Some servers take them for the path: they would lead out of the base URL, and past the key.
  'x-original-url',
  'x-rewrite-url',
  'x-request-id',
  'x-segmento',
  'x-user-id',
]);

const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'cookie2']);

export interface Caller {
  /** The key that opened the platform came in `Authorization`: it is nobody else's business. */
  readonly keyInAuthorization: boolean;
}

/** Without what frames a body. */
export function requestFields(given: Fields, service: Service, caller: Caller): Fields {
  const configured = new Set(service.headers.map(([name]) => name.toLowerCase()));
  const kept = endToEnd(given).without((name) => {
    if (OURS.has(name) || name.startsWith('x-forwarded-') || configured.has(name)) return true;
    if (!CREDENTIALS.has(name)) return false;
    return !service.forwardAuthorization || (name === 'authorization' && caller.keyInAuthorization);
  });
  const added: FieldLine[] = [
    ['Host', service.baseUrl.host],
    ...service.headers,
    ['Via', [...given.all('via'), VIA].join(', ')],
    ['Surrogate-Capability', `${SURROGATE}="Surrogate/1.0"`],
  ];
  return new Fields([...added.slice(0, 1), ...kept.lines, ...added.slice(1)]);
}

/** Of what goes to the service, without what is configured: that takes the place of what a caller says by the same name. */
export function callersOwn(fields: Fields, { headers }: Service): Fields {
  if (headers.length === 0) return fields;
  const configured = new Set(headers.map(([name]) => name.toLowerCase()));
  return fields.without((name) => configured.has(name));
}

/** As it says how its body is framed, which is between neighbours. */
export function framing(given: Fields): readonly FieldLine[] {
  const length = given.joined('content-length');
  if (given.has('transfer-encoding')) return [['Transfer-Encoding', 'chunked']];
  return length === null ? [] : [['Content-Length', length]];
}

/** Of an answer as it came: what is for the caller. */
export function answerFields(fields: Fields): Fields {
  // Meant for caches like this one, and for none behind it.
  return endToEnd(fields).without((name) => name === 'surrogate-control' || SAID_BY_US.has(name));
}
