/** Which requests can be answered with what is kept, and what of their results. */
import { isObject, type JsonObject } from '../json-rpc/message.js';

/** What a server tells of when it has changed. */
export type ListKind = 'tools' | 'prompts' | 'resources';

export interface CacheableMethod {
  /** The member of the result that is the list itself; null: the result is kept as a whole. */
  readonly member: string | null;
  /** A change of which list makes it outdated. */
  readonly kind: ListKind | null;
  /** How long it is kept where nobody says; null: as long as its family says. */
  readonly defaultSeconds: number | null;
  /** It may follow from what a tool has done. */
  readonly data: boolean;
  /** Kept only where the operator says so. */
  readonly byPermission: boolean;
  /** The parameter that the header `Mcp-Name` repeats. */
  readonly named: 'name' | 'uri' | null;
}

const LIST_SECONDS = 300;
/** For what nobody has said anything of, and nobody tells of when it changes. */
export const SHORT_SECONDS = 10;

const list = (member: string, kind: ListKind): CacheableMethod => ({
  member,
  kind,
  defaultSeconds: LIST_SECONDS,
  data: false,
  byPermission: false,
  named: null,
});

const METHODS: ReadonlyMap<string, CacheableMethod> = new Map<string, CacheableMethod>([
  [
    'server/discover',
    { member: null, kind: null, defaultSeconds: LIST_SECONDS, data: false, byPermission: false, named: null },
  ],
  ['tools/list', list('tools', 'tools')],
  ['prompts/list', list('prompts', 'prompts')],
  ['resources/list', list('resources', 'resources')],
  ['resources/templates/list', list('resourceTemplates', 'resources')],
  [
    'resources/read',
    {
      member: 'contents',
      kind: 'resources',
      defaultSeconds: SHORT_SECONDS,
      data: true,
      byPermission: false,
      named: 'uri',
    },
  ],
  [
    'prompts/get',
    { member: 'messages', kind: 'prompts', defaultSeconds: null, data: true, byPermission: true, named: 'name' },
  ],
  [
    'tools/call',
    { member: 'content', kind: 'tools', defaultSeconds: null, data: true, byPermission: true, named: 'name' },
  ],
]);

/** Null: a request of this method is never answered with what is kept. */
export function cacheableMethod(method: string): CacheableMethod | null {
  return METHODS.get(method) ?? null;
}

/** It continues a question that the server has asked back. */
export function continues(params: JsonObject): boolean {
  return 'inputResponses' in params || 'requestState' in params;
}

/** Whether a result is the whole answer, and no failure of the tool. */
export function isWhole(result: unknown): result is JsonObject {
  if (!isObject(result)) return false;
  const { resultType = 'complete', isError } = result;
  return resultType === 'complete' && isError !== true && !('inputRequests' in result);
}
