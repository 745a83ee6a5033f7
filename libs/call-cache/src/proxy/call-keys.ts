/** At which key the answer to a call lies, for whoever looks it up by key. */
import { CacheControlError, type KeyRef } from '@promptsales/cache-core';
import { CallError } from '../call-error.js';
import { Fields } from '../rules/fields.js';
import type { ServiceSource } from '../services/service.js';
import { placeOf } from './places.js';
import { isLookupPost, understood } from './understood.js';

/** A call as it would be made through the proxy. */
export interface CallToKey {
  readonly tenant: string;
  /** `x-cache-namespace` of the request that would make it; empty: none. */
  readonly namespace: string;
  /** `{service, path, method?, body?, content_type?}`; of a body, `application/json` unless it says otherwise. */
  readonly request: unknown;
}

/** The proxy would refuse it, or never keep its answer. */
export class CallKeyError extends Error {
  override readonly name = 'CallKeyError';
  readonly code = 'no_key';
}

interface Members {
  readonly service: string;
  readonly path: string;
  readonly method: string;
  readonly body: unknown;
  readonly contentType: string | null;
}

const MEMBERS: ReadonlySet<string> = new Set(['service', 'path', 'method', 'body', 'content_type']);
const NEVER_LEFT = new AbortController().signal;

/**
 * Of a URI whose answers differ by what `Vary` names, it is the key by which they are all found.
 * @throws CallKeyError
 */
export function keyOfCall(services: ServiceSource, { tenant, namespace, request }: CallToKey): KeyRef {
  const { service: name, path: rest, method, body, contentType } = membersOf(request);
  const service = services.find(name);
  if (service === null) throw new CallKeyError('there is no service of this name');
  const fields = new Fields([
    ...(namespace === '' ? [] : ([['x-cache-namespace', namespace]] as const)),
    ...(contentType === null ? [] : ([['content-type', contentType]] as const)),
  ]);
  try {
    const call = { tenant, service, method, rest, fields, body: null, keyInAuthorization: false, left: NEVER_LEFT };
    const asked = understood(call);
    if (isLookupPost(asked)) {
      const question = Buffer.from(body === undefined ? '' : JSON.stringify(body));
      return placeOf({ ...asked, question }, null);
    }
    if (body === undefined && ['GET', 'HEAD'].includes(method)) return placeOf(asked, null);
  } catch (error) {
    if (error instanceof CallError || error instanceof CacheControlError)
      throw new CallKeyError(error.message, { cause: error });
    throw error;
  }
  throw new CallKeyError(`nothing that is answered to ${method} of this path is kept`);
}

function membersOf(request: unknown): Members {
  const given = (typeof request === 'object' && request !== null ? request : {}) as Readonly<Record<string, unknown>>;
  const { service, path = '', body, method = body === undefined ? 'GET' : 'POST' } = given;
  const { content_type: contentType = body === undefined ? null : 'application/json' } = given;
  const stray = Object.keys(given).find((name) => !MEMBERS.has(name));
  if (stray !== undefined) throw new CallKeyError(`${stray} is not known beside ${[...MEMBERS].join(', ')}`);
  if (typeof service !== 'string') throw new CallKeyError('service takes the name of a service');
  if (typeof path !== 'string' || !/^(?:$|[/?])/.test(path)) throw new CallKeyError('path begins with a slash');
  if (typeof method !== 'string') throw new CallKeyError('method takes GET, HEAD or POST');
  if (contentType !== null && typeof contentType !== 'string')
    throw new CallKeyError('content_type takes a media type');
  return { service, path, method, body, contentType };
}
