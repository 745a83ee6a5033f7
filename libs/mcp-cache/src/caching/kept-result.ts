/** Results as they lie in Redis. `result` is what other readers look for; the rest brings the answer back as it was. */
import { keyspace, type ValueOf } from '@promptsales/cache-core';
import { isObject, type JsonObject } from '../json-rpc/message.js';

export type CallFamily = typeof keyspace.mcpCall;
export type ToolFamily = typeof keyspace.mcpTool;

type KeptCall = ValueOf<CallFamily> & {
  /** Where in the answer the list stands; without it, its one element is the whole answer. */
  readonly member?: string;
  readonly rest?: JsonObject;
};

export interface Accounting {
  readonly tokensUsed: number | null;
  readonly costUsd: number | null;
}

export function keptCall(result: JsonObject, member: string | null, at: Date): KeptCall {
  const timestamp = at.toISOString();
  const list = member === null ? undefined : result[member];
  if (member === null || !Array.isArray(list)) return { result: [result], timestamp };
  const { [member]: _list, ...rest } = result;
  return { result: list, timestamp, member, rest };
}

export function keptTool(result: JsonObject, segmento: string | null, at: Date): ValueOf<ToolFamily> {
  const { tokensUsed, costUsd } = accountingOf(result);
  return {
    result,
    timestamp: at.toISOString(),
    ...(tokensUsed === null ? {} : { tokens_used: tokensUsed }),
    ...(costUsd === null ? {} : { cost_usd: costUsd }),
    ...(segmento === null ? {} : { segmento }),
  };
}

/** Null for what somebody else wrote in another form. */
export function resultOf(value: ValueOf<CallFamily> | ValueOf<ToolFamily>): JsonObject | null {
  const { result, member, rest } = value as KeptCall;
  if (!Array.isArray(result)) return isObject(result) ? result : null;
  if (member !== undefined) return { ...rest, [member]: result };
  return isObject(result[0]) ? result[0] : null;
}

/** What a tool says that it has used up: `tokens_used` and `cost_usd` in `_meta` or in its structured content. */
export function accountingOf({ _meta, structuredContent }: JsonObject): Accounting {
  const said = { ...(isObject(structuredContent) ? structuredContent : {}), ...(isObject(_meta) ? _meta : {}) };
  const { tokens_used: tokens, cost_usd: cost } = said as JsonObject;
  return {
    tokensUsed: Number.isSafeInteger(tokens) && (tokens as number) >= 0 ? (tokens as number) : null,
    costUsd: typeof cost === 'number' && Number.isFinite(cost) && cost >= 0 ? cost : null,
  };
}

export function isAccounted({ tokensUsed, costUsd }: Accounting): boolean {
  return tokensUsed !== null || costUsd !== null;
}
