/**
 * What a server says of its tools, as far as it is kept: a hint that counts beside what the operator says. A tool of which
 * nothing is known is one that changes things.
 */
import { NO_CACHE_CONTROLS } from '@promptsales/cache-core';
import { isObject } from '../json-rpc/message.js';
import { cacheableMethod, type CacheableMethod } from './cacheable.js';
import { bodyOfPage, type Question } from './question.js';
import type { Results } from './results.js';

/** More than any server lists its tools on. */
const MOST_PAGES = 20;

export async function readsOnly(
  tool: unknown,
  asked: Pick<Question, 'server' | 'scopes' | 'protocolVersion' | 'capabilities'>,
  results: Pick<Results, 'find'>,
): Promise<boolean> {
  const method = cacheableMethod('tools/list') as CacheableMethod;
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const params = cursor === null ? {} : { cursor };
    const found = await results.find({
      server: asked.server,
      scopes: asked.scopes,
      protocolVersion: asked.protocolVersion,
      capabilities: asked.capabilities,
      method,
      message: { method: 'tools/list', params, body: bodyOfPage('tools/list', cursor) },
      headers: {},
      permission: null,
      controls: NO_CACHE_CONTROLS,
      segmento: null,
      changes: 'unknown',
    });
    const { tools, nextCursor } = found ?? {};
    if (!Array.isArray(tools)) return false;
    const listed: unknown = tools.find((one: unknown) => isObject(one) && one['name'] === tool);
    if (isObject(listed)) return isObject(listed['annotations']) && listed['annotations']['readOnlyHint'] === true;
    if (typeof nextCursor !== 'string') return false;
    cursor = nextCursor;
  }
  return false;
}
