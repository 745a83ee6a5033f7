/**
 * From a request to its answer: the cache, somebody's flight, or the provider. Knows nothing of HTTP servers.
 *
 * A hit takes one round trip to Redis and is neither parsed nor encoded again. Whatever goes wrong with the cache sends
 * the request to the provider; only the provider's own trouble, and the caller's mistakes, are errors.
 */
import {
  ageMsOf,
  type Cache,
  type CacheOutcome,
  forwardedCacheHeaders,
  type Hit,
  hitCacheHeaders,
  type Opened,
  type ResponseHeaders,
  staleCacheHeaders,
} from '@promptsales/cache-core';
import type { AnswerFlight } from '../flight/answer-flight.js';
import type { Opening, Passenger, Refusal, Whole } from '../flight/broadcast.js';
import type { FlightObserver } from '../flight/flight-observer.js';
import type { Ledger, ReuseKind } from '../ledger/ledger.js';
import { LlmError } from '../protocol/llm-error.js';
import { withoutCut } from '../stream/recording.js';
import type { AnswerFacts } from '../protocol/protocol.js';
import type { PolicySource, UpstreamDirectory } from './directories.js';
import type { FlightDeck } from './flight-deck.js';
import { inquire, type Arriving, type Inquiry } from './inquiry.js';
import { replayAtOnce, replayPaced } from './replay.js';
import { readingOf, usableNote, type StoredForm } from './stored-form.js';

export interface GatewayParts {
  readonly cache: Cache;
  readonly deck: FlightDeck;
  readonly ledger: Ledger;
  readonly upstreams: UpstreamDirectory;
  readonly policies: PolicySource;
  readonly observer: FlightObserver;
}

/** A request on a connection that may go away. */
export interface GatewayRequest extends Arriving {
  /** Called once when the client has left or has its whole answer. */
  whenLeft(listener: () => void): void;
}

export interface GatewayReply {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Buffer | AsyncIterable<Buffer>;
  readonly outcome: CacheOutcome;
  /** From the call of the provider to its first word; null where it was not called for this request. */
  readonly upstreamMs: number | null;
}

/** The client has left before there was anything to answer. */
export class ClientLeftError extends Error {
  readonly code = 'client_left';
  constructor() {
    super('The client left before its answer came.');
    this.name = 'ClientLeftError';
  }
}

type Found = Opened<StoredForm, AnswerFlight>;
type Forwarded = Exclude<CacheOutcome, 'HIT' | 'STALE'>;

/** So often an answer may slip away before its reader got on board, before he is given a call of his own. */
const MOST_ROUNDS = 8;
const EVENT_STREAM = 'text/event-stream; charset=utf-8';

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #refreshing = new Set<string>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /**
   * At once, without a promise, where the answer lies in this process's own memory.
   * @throws LlmError what the caller is to be told
   * @throws ClientLeftError
   */
  answer(request: GatewayRequest): GatewayReply | Promise<GatewayReply> {
    const { cache, upstreams, policies } = this.#parts;
    const inquiry = inquire(request, { target: upstreams.targetFor(request.protocol), policies: policies.current() });
    if (inquiry.bypass === null && !inquiry.controls.noCache) {
      const hit = cache.peek(readingOf(inquiry));
      if (hit !== undefined && isServable(inquiry, hit)) return this.#fromHit(inquiry, hit, request);
    }
    return this.#find(inquiry, request);
  }

  async #find(inquiry: Inquiry, request: GatewayRequest): Promise<GatewayReply> {
    const { controls } = inquiry;
    if (controls.onlyIfCached) return this.#onlyIfCached(inquiry, request);
    if (inquiry.bypass !== null) return this.#alone(inquiry, request, 'BYPASS');
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const found = await this.#open(inquiry, controls.noCache);
      if (found === null) break;
      if (found.kind === 'hit') return this.#fromHit(inquiry, found.hit, request);
      const { flight } = found;
      if (flight.overgrown) break;
      const reply = await this.#aboard(inquiry, flight, outcomeOf(inquiry, found), request);
      if (reply !== null) return reply;
      if (flight.overgrown) break;
      await flight.done;
    }
    return this.#lastResort(inquiry, request);
  }

  /** Null when Redis answers with what nobody foresaw, such as being full: the provider answers then. */
  async #open(inquiry: Inquiry, anew: boolean): Promise<Found | null> {
    const { cache, deck, observer } = this.#parts;
    const reading = readingOf(inquiry);
    try {
      return await cache.open<StoredForm, AnswerFlight>(reading, {
        lead: (leadership) => deck.lead(inquiry, leadership, 'request'),
        follow: (token) => deck.follow(inquiry, reading, token),
        accept: (hit) => isServable(inquiry, hit),
        anew,
        peeked: true,
      });
    } catch (error) {
      observer.failed?.(error);
      return null;
    }
  }

  async #onlyIfCached(inquiry: Inquiry, request: GatewayRequest): Promise<GatewayReply> {
    const looks = inquiry.bypass === null && !inquiry.controls.noCache;
    const found = looks ? await this.#parts.cache.ask(readingOf(inquiry)) : null;
    if (found?.kind === 'hit' && isServable(inquiry, found.hit)) return this.#fromHit(inquiry, found.hit, request);
    throw new LlmError(
      'not_in_cache',
      'There is no stored answer to this request, and only-if-cached forbids to ask for one.',
    );
  }

  /** Redis brings nobody together here; those of this process share a call all the same. */
  #lastResort(inquiry: Inquiry, request: GatewayRequest): Promise<GatewayReply> {
    const { noCache, maxAgeSeconds } = inquiry.controls;
    if (noCache || maxAgeSeconds !== null) return this.#alone(inquiry, request, 'MISS');
    const { flight, joined } = this.#parts.deck.leadHere(inquiry);
    return this.#reply(inquiry, flight, joined ? 'COALESCED' : 'MISS', request);
  }

  #alone(inquiry: Inquiry, request: GatewayRequest, outcome: Forwarded): Promise<GatewayReply> {
    return this.#reply(inquiry, this.#parts.deck.leadAlone(inquiry), outcome, request);
  }

  /** For a flight of the caller's own, which cannot tell him to look again. */
  async #reply(
    inquiry: Inquiry,
    flight: AnswerFlight,
    outcome: Forwarded,
    request: GatewayRequest,
  ): Promise<GatewayReply> {
    const reply = await this.#aboard(inquiry, flight, outcome, request);
    if (reply === null) throw new LlmError('upstream_died', 'The answer could not be followed to its end.');
    return reply;
  }

  #fromHit(inquiry: Inquiry, hit: Hit<StoredForm>, request: GatewayRequest): GatewayReply {
    const maxAge = inquiry.controls.maxAgeSeconds;
    if (maxAge === null || ageMsOf(hit) <= maxAge * 1000) {
      return this.#serve(inquiry, hit, request, 'HIT', hitCacheHeaders(hit), 'hit');
    }
    void this.#refresh(inquiry).catch((error: unknown) => this.#parts.observer.failed?.(error));
    return this.#serve(inquiry, hit, request, 'STALE', staleCacheHeaders(hit, maxAge), 'stale');
  }

  #serve(
    inquiry: Inquiry,
    hit: Hit<StoredForm>,
    request: GatewayRequest,
    outcome: 'HIT' | 'STALE',
    cacheHeaders: ResponseHeaders,
    kind: ReuseKind,
  ): GatewayReply {
    const { value } = hit;
    const note = usableNote(inquiry, hit);
    this.#book(inquiry, kind, note?.facts ?? null, Math.floor(ageMsOf(hit) / 1000));
    const type = value.kind === 'json' ? 'application/json' : EVENT_STREAM;
    return {
      status: 200,
      headers: { 'content-type': type, ...cacheHeaders },
      body: value.kind === 'json' ? value.bytes : replayed(inquiry, value, request),
      outcome,
      upstreamMs: null,
    };
  }

  /** Brings a stale answer up to date, once at a time, with nobody waiting for it. */
  async #refresh(inquiry: Inquiry): Promise<void> {
    if (this.#refreshing.has(inquiry.hash)) return;
    this.#refreshing.add(inquiry.hash);
    const { cache, deck } = this.#parts;
    const reading = readingOf(inquiry);
    const maxAgeMs = (inquiry.controls.maxAgeSeconds ?? 0) * 1000;
    try {
      const found = await cache.open<StoredForm, AnswerFlight>(reading, {
        lead: (leadership) => deck.lead(inquiry, leadership, 'refresh'),
        follow: (token) => deck.follow(inquiry, reading, token),
        accept: (hit) => usableNote(inquiry, hit) !== null && ageMsOf(hit) <= maxAgeMs,
      });
      if (found.kind === 'hit') return;
      const passenger = found.flight.board('whole');
      // What somebody else has under way needs no passenger of ours.
      if (found.how === 'led') await passenger?.whole;
      passenger?.leave();
    } finally {
      this.#refreshing.delete(inquiry.hash);
    }
  }

  /** Null: the flight did not take this passenger, or has nothing for him. */
  async #aboard(
    inquiry: Inquiry,
    flight: AnswerFlight,
    outcome: Forwarded,
    request: GatewayRequest,
  ): Promise<GatewayReply | null> {
    const began = performance.now();
    const { stream } = inquiry.facts;
    const passenger = flight.board(stream ? 'frames' : 'whole');
    if (passenger === null) return null;
    const left = Promise.withResolvers<never>();
    request.whenLeft(() => {
      passenger.leave();
      left.reject(new ClientLeftError());
    });
    left.promise.catch(alreadyAnswered);
    try {
      const first = await Promise.race([stream ? passenger.opening : passenger.whole, left.promise]);
      const upstreamMs = outcome === 'COALESCED' ? null : performance.now() - began;
      const reply = await this.#forwarded(inquiry, passenger, first, outcome, request);
      return reply === null ? null : { ...reply, upstreamMs };
    } catch (error) {
      passenger.leave();
      throw error;
    }
  }

  async #forwarded(
    inquiry: Inquiry,
    passenger: Passenger,
    first: Opening | Whole,
    outcome: Forwarded,
    request: GatewayRequest,
  ): Promise<Omit<GatewayReply, 'upstreamMs'> | null> {
    if (first.kind === 'stream') return this.#live(inquiry, passenger, first.headers, first.status, outcome);
    if (first.kind === 'json') {
      if (!first.streamable) return this.#forwarded(inquiry, passenger, await passenger.whole, outcome, request);
      const headers = { ...first.headers, 'content-type': EVENT_STREAM };
      return this.#live(inquiry, passenger, headers, first.status, outcome);
    }
    passenger.leave();
    if (first.kind === 'again') return null;
    if (first.kind === 'failed') {
      const stale = await this.#staleOnError(inquiry, request);
      if (stale !== null) return stale;
      throw first.error;
    }
    if (first.kind === 'refused') {
      const stale = first.status >= 500 ? await this.#staleOnError(inquiry, request) : null;
      return stale ?? refusal(first, outcome);
    }
    if (outcome === 'COALESCED') this.#book(inquiry, 'coalesced', first.facts, null);
    const headers = { ...first.headers, ...forwardedCacheHeaders(outcome, first.stored) };
    return { status: first.status, headers, body: first.body, outcome };
  }

  #live(
    inquiry: Inquiry,
    passenger: Passenger,
    headers: ResponseHeaders,
    status: number,
    outcome: Forwarded,
  ): Omit<GatewayReply, 'upstreamMs'> {
    const body = this.#liveFrames(inquiry, passenger, outcome);
    return { status, headers: { ...headers, ...forwardedCacheHeaders(outcome, false) }, body, outcome };
  }

  async *#liveFrames(inquiry: Inquiry, passenger: Passenger, outcome: Forwarded): AsyncGenerator<Buffer> {
    const withUsage = inquiry.facts.usageAsked;
    let got: 'nothing' | 'part' | 'end' | 'error' = 'nothing';
    try {
      for (let frames = await passenger.frames?.next(); frames; frames = await passenger.frames?.next()) {
        const slices = frames.flatMap(({ raw, cut }) => (withUsage ? [raw] : withoutCut(raw, cut)));
        if (slices.length === 0) continue;
        got = 'part';
        yield slices.length === 1 ? (slices[0] as Buffer) : Buffer.concat(slices);
      }
      if (passenger.aboard) got = 'end';
    } catch (error) {
      got = 'error';
      if (!(error instanceof LlmError)) throw error;
      yield inquiry.protocol.errorEvent(error);
    } finally {
      if (outcome === 'COALESCED' && got === 'end') this.#bookWhenWhole(inquiry, passenger);
      // What a part would have cost nobody knows.
      if (outcome === 'COALESCED' && got === 'part') this.#book(inquiry, 'coalesced', null, null);
      passenger.leave();
    }
  }

  #bookWhenWhole(inquiry: Inquiry, passenger: Passenger): void {
    void passenger.whole.then((whole) => {
      if (whole.kind === 'answer') this.#book(inquiry, 'coalesced', whole.facts, null);
      else if (whole.kind === 'failed' && whole.error.code === 'upstream_too_large') {
        // Too long to be merged, and read to its end all the same.
        this.#book(inquiry, 'coalesced', null, null);
      }
    });
  }

  /** The stored answer, where the caller takes an old one rather than an error. */
  async #staleOnError(inquiry: Inquiry, request: GatewayRequest): Promise<Omit<GatewayReply, 'upstreamMs'> | null> {
    const { staleIfErrorSeconds, maxAgeSeconds } = inquiry.controls;
    if (staleIfErrorSeconds === null || inquiry.bypass !== null) return null;
    const found = await this.#parts.cache.lookup(readingOf(inquiry));
    if (found.kind !== 'hit' || usableNote(inquiry, found.hit) === null) return null;
    const fresh = maxAgeSeconds ?? 0;
    if (ageMsOf(found.hit) > (fresh + staleIfErrorSeconds) * 1000) return null;
    return this.#serve(inquiry, found.hit, request, 'STALE', staleCacheHeaders(found.hit, fresh), 'stale');
  }

  #book(inquiry: Inquiry, kind: ReuseKind, facts: AnswerFacts | null, ageSeconds: number | null): void {
    this.#parts.ledger.reused({
      ...inquiry.ledger,
      kind,
      usage: facts?.usage ?? null,
      answeredModel: facts?.model ?? null,
      responseId: facts?.responseId ?? null,
      serviceTier: facts?.serviceTier ?? null,
      requestId: inquiry.requestId,
      ageSeconds,
    });
  }
}

function outcomeOf(inquiry: Inquiry, { how, refused }: Extract<Found, { kind: 'flight' }>): Forwarded {
  if (how !== 'led') return 'COALESCED';
  // An entry that lacks the form that is asked for is no answer that was passed over.
  const passedOver = refused !== null && usableNote(inquiry, refused) !== null;
  return inquiry.controls.noCache || passedOver ? 'REFRESH' : 'MISS';
}

/** Whether an entry has the form that is asked for and is not too old to be served now. */
function isServable(inquiry: Inquiry, hit: Hit<StoredForm>): boolean {
  return usableNote(inquiry, hit) !== null && ageMsOf(hit) <= servableAgeMs(inquiry);
}

/** How old an entry may be and still be served now, be it stale. */
function servableAgeMs({ controls }: Inquiry): number {
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

function refusal({ status, headers, body }: Refusal, outcome: Forwarded): Omit<GatewayReply, 'upstreamMs'> {
  return { status, headers: { ...headers, ...forwardedCacheHeaders(outcome, false) }, body, outcome };
}

/** A client leaves after its answer, too. */
function alreadyAnswered(): void {}
