/**
 * `POST /v1/generations`: one text for one prompt, kept for its readers under `ai:generation:{model}:{prompt_hash}`.
 *
 * A generation is a chat completion whose answer is told in other words. So it is asked of the gateway: a chat that was
 * asked before is a generation that costs nothing, and calls, breakers, ledger and limits are the gateway's own.
 */
import {
  absent,
  ageMsOf,
  forwardedCacheHeaders,
  hitCacheHeaders,
  type keyspace,
  valueReading,
  type Cache,
  type CacheAside,
  type Hit,
  type ResponseHeaders,
  type ValueOf,
} from '@promptsales/cache-core';
import { bookReuse } from '../gateway/book-reuse.js';
import type { PolicySource, UpstreamDirectory } from '../gateway/directories.js';
import type { Gateway } from '../gateway/gateway.js';
import { ClientLeftError, type GatewayReply, type GatewayRequest } from '../gateway/gateway-reply.js';
import { inquire, type Inquiry } from '../gateway/inquiry.js';
import { labelsOf } from '../gateway/stored-form.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Prices } from '../prices/price-table.js';
import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import type { AnswerFacts } from '../protocol/protocol.js';
import { NOTHING_KNOWN } from '../request/known-requests.js';
import { decodeNote, encodeNote } from '../stored/answer-note.js';
import { generationIn, type Generated } from './generated.js';
import { RefusedByProviderError } from './generation-errors.js';
import { refOfGeneration } from './generation-ref.js';
import { chatBodyOf, GENERATIONS_ROUTE, type GenerationRequest } from './generation-request.js';

export type Generation = ValueOf<typeof keyspace.aiGeneration>;

export interface GenerationsParts {
  readonly gateway: Pick<Gateway, 'answer'>;
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly ledger: Ledger;
  readonly upstreams: UpstreamDirectory;
  readonly policies: PolicySource;
  readonly prices: Prices;
}

/** Who asks, on which connection. */
export type GenerationAsker = Pick<GatewayRequest, 'headers' | 'caller' | 'requestId' | 'whenLeft'>;

export interface GenerationReply {
  readonly generation: Generation;
  /** It was there already. */
  readonly cached: boolean;
  /** `x-cache`, `Cache-Status`, `Age` */
  readonly headers: ResponseHeaders;
}

const CACHE_HEADERS = ['x-cache', 'cache-status', 'age'] as const;

export class Generations {
  readonly #parts: GenerationsParts;
  /** Of generations that were just made, for all in this process who wait for them. */
  readonly #fresh = new WeakMap<Generation, AnswerFacts>();

  constructor(parts: GenerationsParts) {
    this.#parts = parts;
  }

  /** @throws LlmError, ClientLeftError, RefusedByProviderError */
  async generate(request: GenerationRequest, asker: GenerationAsker): Promise<GenerationReply> {
    const asked = { ...asker, bytes: chatBodyOf(request), protocol: CHAT_COMPLETIONS, route: GENERATIONS_ROUTE };
    const inquiry = this.#inquiry(asked);
    // What is not kept, and what has several answers, is the gateway's alone; so is what may only come from the cache.
    const kept = inquiry.bypass === null && inquiry.answers === 1;
    if (!kept) return replyFrom(await this.#made(asked));
    if (inquiry.controls.onlyIfCached)
      return (await this.#stored(request, inquiry)) ?? replyFrom(await this.#made(asked));
    return this.#found(request, inquiry, asked);
  }

  async #found(request: GenerationRequest, inquiry: Inquiry, asked: GatewayRequest): Promise<GenerationReply> {
    const { controls } = inquiry;
    const left = new AbortController();
    asked.whenLeft(() => left.abort(new ClientLeftError()));
    let own: Generated | null = null;
    const load = async (signal: AbortSignal): Promise<Generated> =>
      (own = await this.#made({ ...asked, whenLeft: (listener) => whenAborted(signal, listener) }));
    const loaded = await this.#parts.aside.getOrLoad(
      refOfGeneration(request, inquiry),
      async ({ signal }) => {
        const made = await load(signal);
        this.#fresh.set(made.generation, made.facts);
        return isToBeKept(made, inquiry) ? made.generation : absent;
      },
      {
        beta: 0,
        hardTimeoutMs: null,
        labels: labelsOf(controls),
        anew: controls.noCache,
        signal: left.signal,
        accept: (hit) => isFresh(hit, inquiry),
        note: (generation) => noteOf(this.#fresh.get(generation) ?? null),
        ...(inquiry.ttlSeconds === null ? {} : { ttlSeconds: inquiry.ttlSeconds }),
      },
    );
    const { value, hit, source } = loaded;
    if (source === 'hit' && hit !== null && value !== absent) return this.#fromHit(inquiry, hit as Hit<Generation>);
    // What was made for others and is not to be kept is nobody's but theirs.
    if (own !== null || value === absent) return replyFrom(own ?? (await load(left.signal)));
    const facts = hit === null ? (this.#fresh.get(value) ?? null) : factsIn(hit.note);
    bookReuse(this.#parts.ledger, inquiry, 'coalesced', facts);
    return { generation: value, cached: true, headers: forwardedCacheHeaders('COALESCED') };
  }

  /** Null: it is not there, or too old. */
  async #stored(request: GenerationRequest, inquiry: Inquiry): Promise<GenerationReply | null> {
    if (inquiry.controls.noCache) return null;
    const found = await this.#parts.cache.lookup(
      valueReading(refOfGeneration(request, inquiry), labelsOf(inquiry.controls)),
    );
    if (found.kind !== 'hit' || !isFresh(found.hit, inquiry)) return null;
    return this.#fromHit(inquiry, found.hit);
  }

  #fromHit(inquiry: Inquiry, found: Hit<Generation>): GenerationReply {
    const hit = asOldAsItsText(found);
    bookReuse(this.#parts.ledger, inquiry, 'hit', factsIn(hit.note), {
      ageSeconds: Math.floor(ageMsOf(hit) / 1000),
    });
    return { generation: hit.value, cached: true, headers: hitCacheHeaders(hit) };
  }

  async #made(asked: GatewayRequest): Promise<Generated> {
    const reply = await this.#parts.gateway.answer(asked);
    if (reply.status >= 400) throw new RefusedByProviderError(reply);
    return generationIn(reply, this.#parts.prices, this.#inquiry(asked));
  }

  #inquiry({
    bytes,
    headers,
    caller,
    requestId,
  }: Omit<GenerationAsker, 'whenLeft'> & { readonly bytes: Buffer }): Inquiry {
    const { upstreams, policies } = this.#parts;
    const arriving = { protocol: CHAT_COMPLETIONS, route: GENERATIONS_ROUTE, bytes, headers, caller, requestId };
    return inquire(arriving, { upstreams, policies, requests: NOTHING_KNOWN });
  }
}

/** Also where that was before anybody asked. */
function whenAborted(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener);
}

function replyFrom({ generation, reply }: Generated): GenerationReply {
  const headers: Record<string, string> = {};
  for (const name of CACHE_HEADERS) if (reply.headers[name] !== undefined) headers[name] = reply.headers[name];
  return { generation, cached: isReuse(reply), headers };
}

/** What is told again of a chat has the chat's age, not that of its being told. */
function asOldAsItsText(hit: Hit<Generation>): Hit<Generation> {
  const madeAtMs = new Date(hit.value.timestamp).getTime();
  if (Number.isNaN(madeAtMs)) return hit;
  return { ...hit, storedAtMs: Math.min(madeAtMs, hit.storedAtMs ?? madeAtMs) };
}

/** An older one is the gateway's to answer: it may have a younger chat, or serve an old one and refresh it. */
function isFresh(hit: Hit<Generation>, { controls }: Inquiry): boolean {
  return controls.maxAgeSeconds === null || ageMsOf(asOldAsItsText(hit)) <= controls.maxAgeSeconds * 1000;
}

/** Otherwise it would pass for what it is not: an answer to this very question, a fresh one, or one of a longer life. */
function isToBeKept({ keep, reply }: Generated, { ttlSeconds }: Inquiry): boolean {
  if (reply.outcome === 'SEMANTIC' || reply.outcome === 'STALE') return false;
  return keep && (ttlSeconds === null || !isReuse(reply));
}

function isReuse({ outcome }: GatewayReply): boolean {
  return outcome === 'HIT' || outcome === 'STALE' || outcome === 'COALESCED' || outcome === 'SEMANTIC';
}

function noteOf(facts: AnswerFacts | null): string {
  return facts === null ? '' : encodeNote({ hasJson: true, hasFrames: false, framesHaveUsage: false, facts });
}

function factsIn(note: string): AnswerFacts | null {
  return decodeNote(note)?.facts ?? null;
}
