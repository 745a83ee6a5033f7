/**
 * From a request to its answer: the cache, somebody's flight, or the provider. Knows nothing of HTTP servers.
 *
 * A hit takes one round trip to Redis and is neither parsed nor encoded again. Whatever goes wrong with the cache sends
 * the request to the provider; only the provider's own trouble, and the caller's mistakes, are errors.
 */
import {
  ageMsOf,
  type Boardings,
  type Cache,
  type Hit,
  hitCacheHeaders,
  type Opened,
  type Sighting,
  staleCacheHeaders,
} from '@promptsales/cache-core';
import type { AnswerFlight } from '../flight/answer-flight.js';
import type { FlightObserver } from '../flight/flight-observer.js';
import type { Ledger } from '../ledger/ledger.js';
import type { MadeResponses } from '../made-responses/made-responses.js';
import { LlmError } from '../protocol/llm-error.js';
import type { PolicySource, UpstreamDirectory } from './directories.js';
import type { FlightDeck } from './flight-deck.js';
import { FlightReplies } from './flight-replies.js';
import type { Forwarded, GatewayReply, GatewayRequest, Way } from './gateway-reply.js';
import { inquire, type Inquiry } from './inquiry.js';
import { KnownRequests } from '../request/known-requests.js';
import { answerAt, type Rotation } from './rotation.js';
import { readingOf, usableNote, type StoredForm } from './stored-form.js';
import { SemanticReplies, wantsSemantic } from './semantic-replies.js';
import { isServable, StoredReplies } from './stored-replies.js';
import type { Prospect, SemanticTier } from '../semantic/semantic-tier.js';

export interface GatewayParts {
  readonly cache: Cache;
  readonly deck: FlightDeck;
  readonly ledger: Ledger;
  readonly upstreams: UpstreamDirectory;
  readonly policies: PolicySource;
  readonly rotation: Rotation;
  /** Answers to other questions, where a policy wants them. */
  readonly semantic: SemanticTier | null;
  /** Whose a response is that a request continues; null: not asked. */
  readonly responses: Pick<MadeResponses, 'checkContinuation'> | null;
  readonly observer: FlightObserver;
}

type Found = Opened<StoredForm, AnswerFlight>;
/** Either an answer, or what was seen on the way past the exact tier and what the provider's answer can teach. */
type Elsewhere =
  | { readonly reply: GatewayReply }
  | { readonly reply?: undefined; readonly seen: Sighting<StoredForm>; readonly prospect: Prospect | null };

/** So often an answer may slip away before its reader got on board, before he is given a call of his own. */
const MOST_ROUNDS = 8;

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #stored: StoredReplies;
  readonly #flights: FlightReplies;
  readonly #known = new KnownRequests();
  readonly #semantic: SemanticReplies | null;
  readonly #refreshing = new Set<string>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#stored = new StoredReplies(parts.cache, parts.ledger);
    this.#flights = new FlightReplies(parts.ledger, this.#stored);
    this.#semantic = parts.semantic === null ? null : new SemanticReplies(parts.semantic, parts.cache, this.#stored);
  }

  /**
   * At once, without a promise, where the answer lies in this process's own memory.
   * @throws LlmError what the caller is to be told
   * @throws ClientLeftError
   */
  answer(request: GatewayRequest): GatewayReply | Promise<GatewayReply> {
    const { upstreams, policies } = this.#parts;
    const inquiry = inquire(request, { upstreams, policies, requests: this.#known });
    if (inquiry.answers > 1 && inquiry.bypass === null) return this.#inTurn(inquiry, request);
    return this.#atHand(inquiry, request) ?? this.#find(inquiry, request);
  }

  /** From this process's own memory; null where it is not there. */
  #atHand(inquiry: Inquiry, request: GatewayRequest): GatewayReply | null {
    if (inquiry.bypass !== null || inquiry.controls.noCache) return null;
    const hit = this.#parts.cache.peek(readingOf(inquiry));
    if (hit === undefined || !isServable(inquiry, hit)) return null;
    this.#known.remember(inquiry.read);
    return this.#fromHit(inquiry, hit, request);
  }

  /** Of several answers to one request, that whose turn it is; any other where only a stored one will do. */
  async #inTurn(inquiry: Inquiry, request: GatewayRequest): Promise<GatewayReply> {
    const turn = await this.#parts.rotation.next(inquiry);
    const answers = Array.from({ length: inquiry.answers }, (_, at) => answerAt(inquiry, turn + at));
    if (inquiry.controls.onlyIfCached) return this.#onlyIfCached(answers, request);
    const [its = inquiry] = answers;
    return this.#atHand(its, request) ?? this.#find(its, request);
  }

  async #find(inquiry: Inquiry, request: GatewayRequest): Promise<GatewayReply> {
    const { controls } = inquiry;
    if (controls.onlyIfCached) return this.#onlyIfCached([inquiry], request);
    if (inquiry.bypass !== null) {
      const { continues } = inquiry.facts;
      if (continues !== undefined) await this.#parts.responses?.checkContinuation(continues, inquiry.ledger);
      return this.#alone(inquiry, request, { outcome: 'BYPASS', why: inquiry.bypass });
    }
    const other = wantsSemantic(inquiry) ? await this.#elsewhere(inquiry, request) : null;
    if (other?.reply !== undefined) return other.reply;
    let why: Way['why'] = null;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const found = await this.#open(inquiry, other?.prospect ?? null, round === 0 ? other?.seen : undefined);
      if (found === null) {
        why = 'redis-unavailable';
        break;
      }
      if (found.kind === 'hit') return this.#fromHit(inquiry, found.hit, request);
      const { flight } = found;
      if (flight.overgrown) break;
      if ((await flight.storing) === true) continue;
      const reply = await this.#flights.aboard(inquiry, flight, wayOf(inquiry, found), request);
      if (reply !== null) return reply;
      if (flight.overgrown) break;
      await flight.done;
    }
    return this.#lastResort(inquiry, request, why);
  }

  /** Past the exact tier: what has been answered to other questions. */
  async #elsewhere(inquiry: Inquiry, request: GatewayRequest): Promise<Elsewhere> {
    const seen = await this.#parts.cache.look(readingOf(inquiry));
    const { found } = seen;
    if (found.kind === 'hit' && isServable(inquiry, found.hit)) {
      return { reply: this.#fromHit(inquiry, found.hit, request) };
    }
    // Somebody is asking the provider this very question: his answer is the better one.
    if (found.kind !== 'miss' || found.lease !== null || this.#semantic === null) return { seen, prospect: null };
    const { reply, prospect } = await this.#semantic.seek(inquiry, request);
    return reply === undefined ? { seen, prospect } : { reply };
  }

  /**
   * Null when Redis answers with what nobody foresaw, such as being full: the provider answers then.
   * @param seen what was looked up for this request already
   */
  async #open(inquiry: Inquiry, prospect: Prospect | null, seen?: Sighting<StoredForm>): Promise<Found | null> {
    const { cache, deck, observer } = this.#parts;
    const reading = readingOf(inquiry);
    const departure = deck.departure(inquiry, 'request');
    try {
      const boardings: Boardings<StoredForm, AnswerFlight> = {
        expectToLead: () => departure.prepare(),
        lead: (leadership) => {
          const flight = departure.lead(leadership);
          if (prospect !== null) this.#semantic?.learnFrom(inquiry, prospect, flight.done);
          return flight;
        },
        follow: (token) => deck.follow(inquiry, reading, token),
        accept: (hit) => isServable(inquiry, hit),
        anew: inquiry.controls.noCache,
        peeked: true,
      };
      return await (seen === undefined ? cache.open(reading, boardings) : seen.open(boardings));
    } catch (error) {
      observer.failed?.(error);
      return null;
    } finally {
      departure.cancel();
    }
  }

  async #onlyIfCached(inquiries: readonly Inquiry[], request: GatewayRequest): Promise<GatewayReply> {
    for (const inquiry of inquiries) {
      const looks = inquiry.bypass === null && !inquiry.controls.noCache;
      const found = looks ? await this.#parts.cache.ask(readingOf(inquiry)) : null;
      if (found?.kind === 'hit' && isServable(inquiry, found.hit)) return this.#fromHit(inquiry, found.hit, request);
    }
    throw new LlmError(
      'not_in_cache',
      'There is no stored answer to this request, and only-if-cached forbids to ask for one.',
    );
  }

  /** Redis brings nobody together here; those of this process share a call all the same. */
  #lastResort(inquiry: Inquiry, request: GatewayRequest, why: Way['why']): Promise<GatewayReply> {
    const { noCache, maxAgeSeconds } = inquiry.controls;
    if (noCache || maxAgeSeconds !== null) return this.#alone(inquiry, request, { outcome: 'MISS', why });
    const { flight, joined } = this.#parts.deck.leadHere(inquiry);
    return this.#reply(inquiry, flight, { outcome: joined ? 'COALESCED' : 'MISS', why }, request);
  }

  #alone(inquiry: Inquiry, request: GatewayRequest, way: Way): Promise<GatewayReply> {
    return this.#reply(inquiry, this.#parts.deck.leadAlone(inquiry), way, request);
  }

  /** For a flight of the caller's own, which cannot tell him to look again. */
  async #reply(inquiry: Inquiry, flight: AnswerFlight, way: Way, request: GatewayRequest): Promise<GatewayReply> {
    const reply = await this.#flights.aboard(inquiry, flight, way, request);
    if (reply === null) throw new LlmError('upstream_died', 'The answer could not be followed to its end.');
    return reply;
  }

  #fromHit(inquiry: Inquiry, hit: Hit<StoredForm>, request: GatewayRequest): GatewayReply {
    const maxAge = inquiry.controls.maxAgeSeconds;
    if (maxAge === null || ageMsOf(hit) <= maxAge * 1000) {
      return this.#stored.serve(inquiry, hit, request, 'HIT', hitCacheHeaders(hit));
    }
    void this.#refresh(inquiry).catch((error: unknown) => this.#parts.observer.failed?.(error));
    return this.#stored.serve(inquiry, hit, request, 'STALE', staleCacheHeaders(hit, maxAge));
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
        lead: (leadership) => deck.departure(inquiry, 'refresh').lead(leadership),
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
}

function wayOf(inquiry: Inquiry, found: Extract<Found, { kind: 'flight' }>): Way {
  const alone = found.how === 'led' && found.flight.withoutRedis;
  return { outcome: outcomeOf(inquiry, found), why: alone ? 'redis-unavailable' : null };
}

function outcomeOf(inquiry: Inquiry, { how, refused }: Extract<Found, { kind: 'flight' }>): Forwarded {
  if (how !== 'led') return 'COALESCED';
  // An entry that lacks the form that is asked for is no answer that was passed over.
  const passedOver = refused !== null && usableNote(inquiry, refused) !== null;
  return inquiry.controls.noCache || passedOver ? 'REFRESH' : 'MISS';
}
