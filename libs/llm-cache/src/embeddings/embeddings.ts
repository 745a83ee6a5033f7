/**
 * `POST /v1/embeddings`: each item of a request is an entry of its own, so that a text is embedded once, in whatever
 * company it is asked for.
 *
 * Invariants
 * 1. The vectors stand where their items stood: items are told apart by their keys, never by their place (AskedItems).
 * 2. What is stored is read together, and what is not, and nobody has under way, is asked for by one call.
 * 3. A call that somebody else has made for other items, too, and that was refused, is not this request's: it asks anew.
 * 4. A list in which items cannot be told apart is passed on to who asked for all of it, as it is, and nothing of it is kept.
 * 5. `usage` and the call's ledger line say what was paid; what was not is booked as avoided, by each item's share.
 */
import {
  absent,
  ageMsOf,
  LoadsExhaustedError,
  valueReading,
  type Cache,
  type CacheAside,
  type Hit,
  type LoadOptions,
} from '@promptsales/cache-core';
import type { FlightObserver } from '../flight/flight-observer.js';
import type { PolicySource, UpstreamDirectory } from '../gateway/directories.js';
import type { Gateway } from '../gateway/gateway.js';
import { ClientLeftError, type GatewayReply, type GatewayRequest } from '../gateway/gateway-reply.js';
import { inquire, type Inquiry } from '../gateway/inquiry.js';
import { labelsOf } from '../gateway/stored-form.js';
import { servableAgeMs } from '../gateway/stored-replies.js';
import type { CallCause, Ledger } from '../ledger/ledger.js';
import { EMBEDDING_ITEMS } from '../protocol/embeddings/embeddings.js';
import { LlmError } from '../protocol/llm-error.js';
import { NOTHING_KNOWN } from '../request/known-requests.js';
import type { Upstream } from '../upstream/upstream-client.js';
import { AskedItems, type FreshFacts, type LoadedItem } from './asked-items.js';
import { bookAvoided } from './book-avoided.js';
import { EmbeddingCalls, EmbeddingsRefusedError, UnmappedEmbeddingsError } from './embedding-calls.js';
import { replyOf, refusalReply, unmappedReply, type Found, type ReplyTerms } from './embeddings-reply.js';
import { decodeItemNote, encodeItemNote, type ItemFacts } from './item-note.js';
import type { EmbeddingRef } from './item-refs.js';

export interface EmbeddingsParts {
  /** For requests that are answered as a whole. */
  readonly gateway: Pick<Gateway, 'answer'>;
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly upstream: Upstream;
  readonly ledger: Ledger;
  readonly upstreams: UpstreamDirectory;
  readonly policies: PolicySource;
  readonly observer: FlightObserver;
}

type Options = LoadOptions<number[]>;

/** So often somebody else's refused call may be met, before the request is asked for alone. */
const MOST_ROUNDS = 3;
/** The provider's clocks are the upstream's; what is kept does not age, and is never paid for again ahead of time. */
const KEPT_AS_IT_IS: Options = Object.freeze({ beta: 0, hardTimeoutMs: null });

/** Of a vector whose loader has not said more. */
const UNTOLD: ItemFacts = Object.freeze({ form: 'float', tokens: null, model: null });

export class Embeddings {
  readonly #parts: EmbeddingsParts;
  readonly #calls: EmbeddingCalls;
  readonly #fresh: FreshFacts = new WeakMap();

  constructor(parts: EmbeddingsParts) {
    this.#parts = parts;
    this.#calls = new EmbeddingCalls(parts);
  }

  /**
   * @throws LlmError what the caller is to be told
   * @throws ClientLeftError
   */
  async answer(request: GatewayRequest): Promise<GatewayReply> {
    const { gateway, upstreams, policies } = this.#parts;
    const circumstances = { upstreams, policies, requests: NOTHING_KNOWN };
    const inquiry = inquire({ ...request, protocol: EMBEDDING_ITEMS }, circumstances);
    // What does not survive being read and written cannot be asked for in part.
    if (inquiry.bypass !== null || !inquiry.body.faithful) return gateway.answer(request);
    const left = new AbortController();
    request.whenLeft(() => left.abort(new ClientLeftError()));
    const asked = this.#asked(inquiry, 'request');
    try {
      return inquiry.controls.onlyIfCached ? await this.#stored(asked) : await this.#found(asked, left.signal);
    } catch (error) {
      if (error instanceof UnmappedEmbeddingsError) return this.#unmapped(asked, error, left.signal);
      const stale = left.signal.aborted ? null : await this.#insteadOfError(asked, error);
      if (stale !== null) return stale;
      if (error instanceof EmbeddingsRefusedError) return refusalReply(error.refusal);
      throw error instanceof LoadsExhaustedError ? tooMany(error) : error;
    }
  }

  /** Lets calls under way end within the bound, then ends them. */
  close(boundMs: number): Promise<void> {
    return this.#calls.close(boundMs);
  }

  #asked(inquiry: Inquiry, cause: CallCause, hasCalled = false): AskedItems {
    return new AskedItems(inquiry, { calls: this.#calls, cause, fresh: this.#fresh, hasCalled });
  }

  async #found(asked: AskedItems, signal: AbortSignal): Promise<GatewayReply> {
    const { inquiry, refs } = asked;
    const { controls } = inquiry;
    let refreshed = controls.noCache;
    const options: Options = {
      ...this.#optionsFor(asked),
      signal,
      anew: controls.noCache,
      accept: (hit) => {
        if (decodeItemNote(hit.note) === null) return false;
        const servable = ageMsOf(hit) <= servableAgeMs(inquiry);
        refreshed ||= !servable;
        return servable;
      },
    };
    const loaded = await this.#load(asked, options);
    const strays = refs.filter(({ key }, at) => loaded?.[at]?.value === absent && !asked.paid.has(key));
    if (strays.length > 0) await asked.load(uniquely(strays), signal);
    const results = await Promise.all((loaded ?? []).map(async ({ stored }) => stored));
    const found = refs.map(({ key }, at) => this.#foundAt(asked, key, loaded?.[at], results[at] === 'stored'));
    const withoutRedis = results.some((result, at) => result === 'dropped' && loaded?.[at]?.value !== absent);
    return this.#replied(asked, found, { refreshed, maxAgeSeconds: controls.maxAgeSeconds, withoutRedis });
  }

  async #unmapped(asked: AskedItems, error: UnmappedEmbeddingsError, signal: AbortSignal): Promise<GatewayReply> {
    // A part of it was asked for, or somebody else's call was joined: that is no answer to this request.
    if (asked.unmapped === null) {
      await asked.load(uniquely(asked.refs), signal).catch((again: unknown) => {
        if (!(again instanceof UnmappedEmbeddingsError)) throw again;
      });
    }
    if (asked.unmapped !== null) return unmappedReply(asked.unmapped);
    throw new LlmError('upstream_invalid_response', error.message, { cause: error });
  }

  /** Null: all of it was asked for alone. */
  async #load(asked: AskedItems, options: Options): Promise<readonly LoadedItem[] | null> {
    for (let round = 1; round <= MOST_ROUNDS; round += 1) {
      try {
        return await this.#parts.aside.getMany(asked.refs, (refs, { signal }) => asked.load(refs, signal), options);
      } catch (error) {
        if (asked.ownErrors.has(error) || !mayBeAboutOthers(error)) throw error;
      }
    }
    await asked.load(uniquely(asked.refs), options.signal as AbortSignal);
    return null;
  }

  #foundAt(asked: AskedItems, key: string, loaded: LoadedItem | undefined, stored: boolean): Found {
    const facts = asked.paid.get(key);
    if (facts !== undefined) return { how: 'paid', facts, stored };
    const { value, hit } = loaded as LoadedItem;
    const numbers = value as number[];
    if (hit === null) return { how: 'coalesced', facts: this.#fresh.get(numbers) ?? UNTOLD, numbers };
    const how = loaded?.source === 'followed' ? 'coalesced' : 'hit';
    return { how, facts: decodeItemNote(hit.note) as ItemFacts, numbers, hit };
  }

  #replied(asked: AskedItems, found: readonly Found[], terms: ReplyTerms): GatewayReply {
    bookAvoided(this.#parts.ledger, asked, found, terms.maxAgeSeconds);
    const reply = replyOf(asked, found, terms);
    if (reply.outcome === 'STALE') this.#refresh(asked.inquiry);
    return reply;
  }

  /** Brings stale vectors up to date, with nobody waiting for them. */
  #refresh(inquiry: Inquiry): void {
    const asked = this.#asked(inquiry, 'refresh');
    const freshMs = (inquiry.controls.maxAgeSeconds ?? 0) * 1000;
    const accept = (hit: Hit<number[]>): boolean => decodeItemNote(hit.note) !== null && ageMsOf(hit) <= freshMs;
    const { aside, observer } = this.#parts;
    aside
      .getMany(asked.refs, (refs, { signal }) => asked.load(refs, signal), { ...this.#optionsFor(asked), accept })
      .catch((error: unknown) => observer.failed?.(error));
  }

  #optionsFor({ inquiry }: AskedItems): Options {
    const { ttlSeconds, controls } = inquiry;
    return {
      ...KEPT_AS_IT_IS,
      labels: labelsOf(controls),
      note: (numbers) => encodeItemNote(this.#fresh.get(numbers) ?? UNTOLD),
      ...(ttlSeconds === null ? {} : { ttlSeconds }),
    };
  }

  async #stored(asked: AskedItems): Promise<GatewayReply> {
    const { inquiry } = asked;
    const reply = inquiry.controls.noCache ? null : await this.#fromStored(asked, servableAgeMs(inquiry));
    if (reply !== null) return reply;
    throw new LlmError(
      'not_in_cache',
      'Not all of these embeddings are stored, and only-if-cached forbids to ask for them.',
    );
  }

  /** What is stored, where the caller takes an old answer rather than an error. */
  async #insteadOfError({ inquiry, hasCalled }: AskedItems, error: unknown): Promise<GatewayReply | null> {
    const { staleIfErrorSeconds, maxAgeSeconds } = inquiry.controls;
    if (staleIfErrorSeconds === null || !isProvidersFault(error)) return null;
    const asked = this.#asked(inquiry, 'request', hasCalled);
    return this.#fromStored(asked, ((maxAgeSeconds ?? 0) + staleIfErrorSeconds) * 1000);
  }

  /** Null where a part of it is not stored, or is older than that. */
  async #fromStored(asked: AskedItems, mostAgeMs: number): Promise<GatewayReply | null> {
    const { refs, inquiry } = asked;
    const labels = labelsOf(inquiry.controls);
    const looks = await Promise.all(
      refs.map((ref: EmbeddingRef) => this.#parts.cache.lookup(valueReading(ref, labels))),
    );
    const found: Found[] = [];
    for (const look of looks) {
      const facts = look.kind === 'hit' ? decodeItemNote(look.hit.note) : null;
      if (look.kind !== 'hit' || facts === null || ageMsOf(look.hit) > mostAgeMs) return null;
      found.push({ how: 'hit', facts, numbers: look.hit.value, hit: look.hit });
    }
    const { maxAgeSeconds } = inquiry.controls;
    return this.#replied(asked, found, { refreshed: false, maxAgeSeconds, withoutRedis: false });
  }
}

function uniquely(refs: readonly EmbeddingRef[]): readonly EmbeddingRef[] {
  return [...new Map(refs.map((ref) => [ref.key, ref])).values()];
}

/** A call for several is refused for any one of them. */
function mayBeAboutOthers(error: unknown): boolean {
  if (error instanceof LlmError) return error.code === 'upstream_too_large';
  if (!(error instanceof EmbeddingsRefusedError)) return false;
  const { status } = error.refusal;
  return status < 500 && status !== 429 && status !== 408;
}

function isProvidersFault(error: unknown): boolean {
  return error instanceof EmbeddingsRefusedError
    ? error.refusal.status >= 500
    : error instanceof LlmError && error.status >= 500;
}

function tooMany(cause: LoadsExhaustedError): LlmError {
  return new LlmError('overloaded', 'Too many embeddings are being asked for at the moment.', {
    retryAfterSeconds: 1,
    cause,
  });
}
