/** Replies from what is stored: which entry may be served, in which form and at which pace. */
import { ageMsOf, type Cache, type Hit, type ResponseHeaders, staleCacheHeaders } from '@promptsales/cache-core';
import type { Ledger } from '../ledger/ledger.js';
import { bookReuse } from './book-reuse.js';
import { EVENT_STREAM, type GatewayReply, type GatewayRequest } from './gateway-reply.js';
import type { Inquiry } from './inquiry.js';
import { replayAtOnce, replayPaced } from './replay.js';
import { readingOf, usableNote, type StoredForm } from './stored-form.js';

const KINDS = { HIT: 'hit', STALE: 'stale', SEMANTIC: 'semantic' } as const;

export class StoredReplies {
  readonly #cache: Cache;
  readonly #ledger: Ledger;

  constructor(cache: Cache, ledger: Ledger) {
    this.#cache = cache;
    this.#ledger = ledger;
  }

  serve(
    inquiry: Inquiry,
    hit: Hit<StoredForm>,
    request: GatewayRequest,
    outcome: keyof typeof KINDS,
    cacheHeaders: ResponseHeaders,
    { part = false }: { readonly part?: boolean } = {},
  ): GatewayReply {
    const { value } = hit;
    const facts = usableNote(inquiry, hit)?.facts ?? null;
    bookReuse(this.#ledger, inquiry, KINDS[outcome], facts, { ageSeconds: Math.floor(ageMsOf(hit) / 1000), part });
    const type = value.kind === 'recording' ? EVENT_STREAM : 'application/json';
    return {
      status: 200,
      headers: { 'content-type': type, ...cacheHeaders },
      body: value.kind === 'recording' ? replayed(inquiry, value, request) : value.bytes,
      outcome,
      upstreamMs: null,
    };
  }

  /** The stored answer, where the caller takes an old one rather than an error; `called`: the line of a call counts his request. */
  async insteadOfError(inquiry: Inquiry, request: GatewayRequest, called: boolean): Promise<GatewayReply | null> {
    const { staleIfErrorSeconds, maxAgeSeconds } = inquiry.controls;
    if (staleIfErrorSeconds === null || inquiry.bypass !== null) return null;
    const found = await this.#cache.lookup(readingOf(inquiry));
    if (found.kind !== 'hit' || usableNote(inquiry, found.hit) === null) return null;
    const fresh = maxAgeSeconds ?? 0;
    if (ageMsOf(found.hit) > (fresh + staleIfErrorSeconds) * 1000) return null;
    return this.serve(inquiry, found.hit, request, 'STALE', staleCacheHeaders(found.hit, fresh), { part: called });
  }
}

/** Whether an entry has the form that is asked for and is not too old to be served now. */
export function isServable(inquiry: Inquiry, hit: Hit<StoredForm>): boolean {
  return usableNote(inquiry, hit) !== null && ageMsOf(hit) <= servableAgeMs(inquiry);
}

/** How old an entry may be and still be served now, be it stale. */
export function servableAgeMs({ controls }: Inquiry): number {
  if (controls.maxAgeSeconds === null) return Number.POSITIVE_INFINITY;
  return (controls.maxAgeSeconds + (controls.staleWhileRevalidateSeconds ?? 0)) * 1000;
}

function replayed(
  { controls: { replay }, facts }: Inquiry,
  { recording }: Extract<StoredForm, { kind: 'recording' }>,
  request: GatewayRequest,
): Buffer | AsyncIterable<Buffer> {
  if (replay.kind === 'instant') return replayAtOnce(recording, facts.usageAsked);
  const left = new AbortController();
  request.whenLeft(() => left.abort());
  return replayPaced(recording, facts.usageAsked, replay, left.signal);
}
