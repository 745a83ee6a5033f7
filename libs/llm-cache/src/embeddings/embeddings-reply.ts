/** From what was found and what was paid for to the answer: each vector where its item stood, and what that cost. */
import {
  ageMsOf,
  forwardedCacheHeaders,
  hitCacheHeaders,
  staleCacheHeaders,
  type CacheOutcome,
  type Hit,
  type ResponseHeaders,
} from '@promptsales/cache-core';
import type { GatewayReply } from '../gateway/gateway-reply.js';
import { elementOf, embeddingsReply } from '../protocol/embeddings/answer.js';
import type { JsonObject } from '../protocol/protocol.js';
import type { AskedItems, Paid } from './asked-items.js';
import type { EmbeddingCall, Refusal } from './embedding-calls.js';
import type { ItemFacts } from './item-note.js';

/** Where the vector of one position comes from. */
export type Found =
  | { readonly how: 'paid'; readonly facts: Paid; readonly stored: boolean }
  | { readonly how: 'hit'; readonly facts: ItemFacts; readonly numbers: readonly number[]; readonly hit: Hit<unknown> }
  | { readonly how: 'coalesced'; readonly facts: ItemFacts; readonly numbers: readonly number[] };

export interface ReplyTerms {
  /** A stored vector was passed over, or none was to be looked at. */
  readonly refreshed: boolean;
  /** Older hits than this are stale. */
  readonly maxAgeSeconds: number | null;
  readonly withoutRedis: boolean;
}

export function replyOf(asked: AskedItems, found: readonly Found[], terms: ReplyTerms): GatewayReply {
  const [call] = asked.calls;
  const outcome = outcomeOf(found, terms);
  const headers = { ...call?.headers, 'content-type': 'application/json', ...cacheHeaders(outcome, found, terms) };
  const upstreamMs = call === undefined ? null : asked.calls.reduce((sum, one) => sum + one.upstreamMs, 0);
  const body = call !== undefined && isTheAnswer(call, found) ? call.body : rebuilt(asked, found);
  return { status: 200, headers, body, outcome, upstreamMs };
}

/** The provider's own refusal. */
export function refusalReply({ status, headers, body }: Refusal): GatewayReply {
  return { status, headers: { ...headers, ...forwardedCacheHeaders('MISS') }, body, outcome: 'MISS', upstreamMs: null };
}

/** A list that nothing could be taken from, as the provider sent it. */
export function unmappedReply({ headers, body, upstreamMs }: Omit<EmbeddingCall, 'answer'>): GatewayReply {
  const all = { ...headers, 'content-type': 'application/json', ...forwardedCacheHeaders('MISS') };
  return { status: 200, headers: all, body, outcome: 'MISS', upstreamMs };
}

/** Everything was asked for, once, and came in its order. */
function isTheAnswer({ answer }: EmbeddingCall, found: readonly Found[]): boolean {
  return answer.inOrder && answer.elements.length === found.length;
}

function rebuilt(asked: AskedItems, found: readonly Found[]): Buffer {
  const elements = found.map((one, at): JsonObject => {
    if (one.how !== 'paid') return elementOf({ form: one.facts.form, numbers: one.numbers }, at);
    const { element } = one.facts;
    return element['index'] === undefined ? element : { ...element, index: at };
  });
  const model = found.find(({ facts }) => facts.model !== null)?.facts.model ?? asked.inquiry.facts.model;
  return embeddingsReply(elements, model, { usage: usageOf(asked), ...asked.calls[0]?.answer.rest });
}

/** What was paid for this answer: nothing of what was there. */
function usageOf({ calls }: AskedItems): unknown {
  const [call] = calls;
  if (call === undefined) return { prompt_tokens: 0, total_tokens: 0 };
  if (calls.length === 1) return call.answer.usage;
  const sum: Record<string, unknown> = {};
  for (const { answer } of calls) {
    for (const [name, count] of Object.entries((answer.usage ?? {}) as JsonObject)) {
      const before = sum[name];
      sum[name] = typeof count === 'number' && typeof before === 'number' ? before + count : count;
    }
  }
  return sum;
}

type Outcome = Exclude<CacheOutcome, 'SEMANTIC'>;

/** `HIT` only where nothing had to be asked for. */
function outcomeOf(found: readonly Found[], { refreshed, maxAgeSeconds }: ReplyTerms): Outcome {
  if (found.some(({ how }) => how === 'paid')) return refreshed ? 'REFRESH' : 'MISS';
  if (found.some(({ how }) => how === 'coalesced')) return 'COALESCED';
  return maxAgeSeconds !== null && ageMsOf(oldest(found)) > maxAgeSeconds * 1000 ? 'STALE' : 'HIT';
}

function cacheHeaders(outcome: Outcome, found: readonly Found[], terms: ReplyTerms): ResponseHeaders {
  if (outcome === 'HIT') return hitCacheHeaders(oldest(found));
  if (outcome === 'STALE') return staleCacheHeaders(oldest(found), terms.maxAgeSeconds ?? 0);
  const stored = found.every((one) => one.how !== 'paid' || one.stored);
  return forwardedCacheHeaders(outcome, {
    stored: stored && outcome !== 'COALESCED',
    why: terms.withoutRedis ? 'redis-unavailable' : null,
  });
}

/** Age and remaining time of the answer are those of its oldest part, or of that which ends first. */
function oldest(found: readonly Found[]): Hit<unknown> {
  const hits = found.flatMap((one) => (one.how === 'hit' ? [one.hit] : []));
  const [first, ...rest] = hits as [Hit<unknown>, ...Hit<unknown>[]];
  const hit = rest.reduce((old, one) => (ageMsOf(one) > ageMsOf(old) ? one : old), first);
  const ends = hits.flatMap(({ freshUntilMs }) => freshUntilMs ?? []);
  return ends.length === 0 ? hit : { ...hit, freshUntilMs: Math.min(...ends) };
}
