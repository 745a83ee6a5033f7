/** A call as it comes in, understood once: what is asked of the service and of the cache. */
import { parseCacheControls, serviceTag } from '@promptsales/cache-core';
import { CallError } from '../call-error.js';
import { isPlainlyFramed } from '../rules/fields.js';
import { requestTermsOf } from '../rules/reuse.js';
import type { Service, TtlRule } from '../services/service.js';
import type { Asked, IncomingCall } from './call.js';
import { requestFields } from './forwarded-fields.js';
import { targetOf } from './target.js';

/** @throws CallError, CacheControlError */
export function understood(call: IncomingCall): Asked {
  const { service, fields, method } = call;
  if (!isPlainlyFramed(fields))
    throw new CallError('not_implemented', 'The only Transfer-Encoding that is taken is chunked.');
  const target = targetOf(service, call.rest);
  const given = (name: string): Record<string, string> => {
    const value = fields.joined(name);
    return value === null ? {} : { [name]: value };
  };
  const { namespace, tags, ttlSeconds } = parseCacheControls({
    ...given('x-cache-namespace'),
    ...given('x-cache-tags'),
    ...given('x-cache-ttl'),
  });
  const rule = ruleOf(service, target);
  return {
    call,
    service,
    target,
    fields: requestFields(fields, service, call),
    terms: requestTermsOf(fields),
    lifetime: { ttlSeconds: ttlSeconds ?? rule?.ttl ?? service.ttl, override: rule?.override ?? false },
    namespace,
    tags: [...new Set([serviceTag(service.name), ...tags])],
    part: method === 'GET' && fields.has('range') && !fields.has('if-range'),
    question: null,
    operation: operationOf({ service, target }, method),
  };
}

/** What stands for the method in the key. */
export function operationOf({ service, target }: Pick<Asked, 'service' | 'target'>, method: string): string {
  return ruleOf(service, target)?.name ?? (method === 'HEAD' ? 'get' : method.toLowerCase());
}

function ruleOf({ ttlRules }: Service, { path }: Asked['target']): TtlRule | undefined {
  return ttlRules.find((one) => one.path.matches(path === '' ? '/' : path));
}

const METHOD_FIELDS = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/**
 * It looks like a read, and some servers take it for what such a field says: the answer to that is no answer to the next reader.
 * What is sent as a change is handled as one.
 */
export function namesOtherMethod({ call, service, target, fields }: Asked): boolean {
  if (!METHOD_FIELDS.some((name) => fields.has(name))) return false;
  return ['GET', 'HEAD'].includes(call.method) || isLookupPost({ call, service, target, fields });
}

/** Asked by POST, and looked up all the same. */
export function isLookupPost({
  call,
  service,
  target,
  fields,
}: Pick<Asked, 'call' | 'service' | 'target' | 'fields'>): boolean {
  const path = target.path === '' ? '/' : target.path;
  return call.method === 'POST' && !fields.has('range') && service.lookupPosts.some((one) => one.matches(path));
}
