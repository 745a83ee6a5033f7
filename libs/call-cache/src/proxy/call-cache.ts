/**
 * A shared HTTP cache in front of configured services (RFC 9111), on the platform's cache protocol: one load at a time for each
 * answer over all processes, invalidation that defeats loads in flight.
 */
import {
  followLoad,
  type Cache,
  type EntryLabels,
  type Hit,
  type KeyRef,
  type Leadership,
  type RedisRoles,
} from '@promptsales/cache-core';
import type { Readable } from 'node:stream';
import { CallError } from '../call-error.js';
import { CONDITIONAL, isForOrigin } from '../rules/conditions.js';
import type { RecordingBudget } from '../stored/recording.js';
import type { Stored, Variants } from '../stored/stored-answer.js';
import type { Exchanged } from '../rules/freshness.js';
import type { Upstream } from '../upstream/guarded-upstream.js';
import type { UpstreamAnswer } from '../upstream/upstream-client.js';
import type { Forwarded } from './cache-status.js';
import { CallFlight, type FlightEnd } from './call-flight.js';
import type { Asked, CallReply, IncomingCall } from './call.js';
import { Exchange } from './exchange.js';
import { foundInHit, foundOf, isSelectedBy, replyFrom, reuse, servesOnError, type Found } from './found.js';
import { Passing } from './passing.js';
import { placeOf, readingAt } from './places.js';
import { gathered } from './question.js';
import { isLookupPost, namesOtherMethod, operationOf, understood } from './understood.js';

export interface CallCacheParts {
  readonly cache: Cache;
  readonly roles: RedisRoles;
  readonly upstream: Upstream;
  readonly budget: RecordingBudget;
  /** A longer body is handed on and not kept. */
  readonly mostBytes: number;
  readonly observer?: CallObserver;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface CallObserver {
  /** `why` is one of a few words, never a name. */
  notKept?(why: string): void;
  /** A stored answer could not be renewed behind its reader. */
  refreshFailed?(error: unknown): void;
}

/** Where the answer to a request lies, and what is known of it. */
interface Place {
  readonly ref: KeyRef;
  /** Of the URI whose variant it is. */
  readonly variants: { readonly ref: KeyRef; readonly stored: Variants } | null;
}

/** A caller who meets changes under his hands looks again so many times before he asks for himself. */
const MOST_ROUNDS = 8;

export class CallCache {
  readonly #parts: CallCacheParts;
  readonly #passing: Passing;
  readonly #refreshing = new Set<string>();
  readonly #now: () => number;

  constructor(parts: CallCacheParts) {
    this.#parts = parts;
    this.#passing = new Passing(parts);
    this.#now = parts.now ?? Date.now;
  }

  /** @throws CallError, CacheControlError, and the reason why the caller has left */
  async answer(call: IncomingCall): Promise<CallReply> {
    const asked = understood(call);
    const { method, body } = call;
    if (namesOtherMethod(asked)) return this.#bypassed(asked);
    const lookup = isLookupPost(asked);
    if (!lookup && method !== 'GET' && method !== 'HEAD') return this.#changed(asked);
    const { noStore, onlyIfCached } = asked.terms;
    if ((noStore && !onlyIfCached) || isForOrigin(asked.fields)) return this.#bypassed(asked);
    if (!lookup) return body === null ? this.#looked(asked) : this.#bypassed(asked);
    const question = await gathered(body);
    if (question.kind === 'longer') return this.#bypassed(asked, question.body);
    return this.#looked({ ...asked, question: question.bytes });
  }

  /** What nothing that is stored can answer. @param body where some of it has been read */
  #bypassed(asked: Asked, body: Readable | null = asked.call.body): Promise<CallReply> {
    if (asked.terms.onlyIfCached) throw nothingKept();
    return this.#passing.pass(asked, { why: 'bypass', ...(body === null ? {} : { body }) });
  }

  async #changed(asked: Asked): Promise<CallReply> {
    if (asked.call.method !== 'POST' || asked.terms.noStore) return this.#passing.change(asked);
    const got = { ...asked, operation: operationOf(asked, 'GET') };
    const place: Place = { ref: placeOf(got, null), variants: null };
    const reservation = await this.#parts.cache.reserve({ ref: place.ref, labels: labelsOf(got) });
    if (reservation === null) return this.#passing.change(asked);
    let ended = false;
    const keep = async (answer: UpstreamAnswer, exchanged: Exchanged): Promise<CallReply | null> => {
      ended = true;
      let reply: CallReply | null = null;
      await reservation.follow((leadership) => {
        const exchange = this.#exchange(got, place, leadership, { why: 'method', stale: null });
        reply = exchange.adopt(answer, exchanged);
        return exchange.flight;
      });
      return reply;
    };
    try {
      return await this.#passing.change(asked, { ref: place.ref, keep });
    } finally {
      if (!ended) void reservation.release();
    }
  }

  /** What may be answered by what is stored. */
  async #looked(asked: Asked): Promise<CallReply> {
    const { terms, fields, call } = asked;
    const wantsPart = fields.has('range');
    if (!terms.onlyIfCached && !wantsPart && call.method !== 'HEAD') return this.#obtained(asked);
    const { found, place } = await this.#find({ ...asked, part: false });
    const how = found === null ? 'validate' : reuse(found, asked);
    if (found !== null && how !== 'validate') return this.#served(asked, place, found, how);
    if (terms.onlyIfCached) throw nothingKept();
    if (asked.part && found === null) return this.#obtained(asked);
    const why = terms.noCache ? 'request' : found === null ? 'miss' : 'stale';
    return this.#passing.pass(asked, { why: wantsPart && found === null ? 'partial' : why, stale: found });
  }

  /** What is stored, without taking anybody's turn. */
  async #find(asked: Asked): Promise<{ readonly found: Found | null; readonly place: Place }> {
    const ref = placeOf(asked, null);
    let place: Place = { ref, variants: null };
    let seen = await this.#lookup(ref, asked);
    if (seen?.value.kind === 'variants') {
      place = variantOf(asked, ref, seen.value);
      seen = await this.#lookup(place.ref, asked);
    }
    return { found: seen === null ? null : foundInHit(seen, asked), place };
  }

  async #lookup(ref: KeyRef, asked: Asked): Promise<Hit<Stored> | null> {
    const found = await this.#parts.cache.lookup(readingAt(ref, labelsOf(asked)));
    return found.kind === 'hit' ? found.hit : null;
  }

  /** From what is stored, from a load that is under way, or by a load of his own. */
  async #obtained(asked: Asked): Promise<CallReply> {
    let place: Place = { ref: placeOf(asked, null), variants: null };
    if (asked.terms.noCache) return this.#anew(asked);
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const way = await this.#open(asked, place);
      if (way.kind === 'variants') {
        place = variantOf(asked, place.ref, way.stored);
        continue;
      }
      if (way.kind === 'reply') return way.reply;
      if (way.kind === 'alone') break;
      place = { ref: placeOf(asked, null), variants: null };
    }
    return this.#passing.pass(asked, { why: 'miss' });
  }

  /** `no-cache`: what is stored only helps to ask. */
  async #anew(asked: Asked): Promise<CallReply> {
    const { found, place } = await this.#find(asked);
    const own = await this.#lead(asked, place, found, 'request', true);
    return own ?? this.#passing.pass(asked, { why: 'request' });
  }

  async #open(
    asked: Asked,
    place: Place,
  ): Promise<
    | { readonly kind: 'reply'; readonly reply: CallReply }
    | { readonly kind: 'variants'; readonly stored: Variants }
    | { readonly kind: 'again' | 'alone' }
  > {
    const reading = readingAt(place.ref, labelsOf(asked));
    let refused: Found | null = null;
    let led: Exchange | null = null;
    const opened = await this.#parts.cache.open<Stored, CallFlight>(reading, {
      accept: (hit) => {
        const found = foundInHit(hit, asked);
        refused = found !== null && reuse(found, asked) === 'validate' ? found : null;
        return refused === null;
      },
      lead: (leadership) => {
        led = this.#exchange(asked, place, leadership, {
          why: refused === null ? missOf(place) : 'stale',
          stale: refused,
        });
        return led.flight;
      },
      follow: (token) => this.#followed(asked, place, token),
    });
    if (opened.kind === 'hit') {
      const { value } = opened.hit;
      if (value.kind === 'variants') return { kind: 'variants', stored: value };
      const found = foundInHit(opened.hit, asked) as Found;
      return { kind: 'reply', reply: this.#served(asked, place, found, reuse(found, asked)) };
    }
    if (led !== null) return { kind: 'reply', reply: await (led as Exchange).run() };
    opened.flight.board(asked.call.left);
    return this.#onBoard(asked, await departing(opened.flight.ended, asked.call.left), refused);
  }

  /** Of a load that somebody else has begun. */
  #onBoard(
    asked: Asked,
    end: FlightEnd,
    refused: Found | null,
  ): { readonly kind: 'reply'; readonly reply: CallReply } | { readonly kind: 'again' | 'alone' } {
    if (end.kind === 'again') return { kind: 'again' };
    if (end.kind === 'failed' || end.kind === 'alone') {
      const erred = end.kind === 'failed' || end.erred === true;
      if (erred && refused !== null && servesOnError(refused, asked)) {
        return { kind: 'reply', reply: replyFrom(refused, asked, 'stale', this.#now()) };
      }
      if (end.kind === 'failed') throw end.error;
      return { kind: 'alone' };
    }
    const found = foundOf(end.answer, this.#now() - end.keptAtMs, asked);
    if (!isSelectedBy(end.answer, asked.fields)) return { kind: 'again' };
    if (reuse(found, asked) === 'validate') return { kind: 'alone' };
    return { kind: 'reply', reply: replyFrom(found, asked, 'coalesced', this.#now()) };
  }

  #served(asked: Asked, place: Place, found: Found, how: 'fresh' | 'stale' | 'revalidating' | 'validate'): CallReply {
    if (how === 'revalidating') this.#refresh(asked, place, found);
    return replyFrom(found, asked, how === 'fresh' ? 'hit' : 'stale', this.#now());
  }

  /** RFC 5861 §3: behind the caller, once at a time. */
  #refresh(asked: Asked, place: Place, served: Found): void {
    const { key } = place.ref;
    if (this.#refreshing.has(key)) return;
    this.#refreshing.add(key);
    // What is kept is what is renewed: a range of the whole asks for the whole.
    const part = served.answer.status === 206;
    const dropped = (name: string): boolean => CONDITIONAL.has(name) || (!part && RANGE.has(name));
    // Its caller has what he wanted: nobody's leaving ends it.
    const call = { ...asked.call, left: new AbortController().signal };
    const behind = { ...asked, call, part, fields: asked.fields.without(dropped) };
    this.#lead(behind, place, served, 'stale', false)
      .then(async (reply) => {
        if (reply?.body != null && !Buffer.isBuffer(reply.body)) await reply.body.return();
      })
      .catch((error: unknown) => this.#parts.observer?.refreshFailed?.(error))
      .finally(() => this.#refreshing.delete(key));
  }

  /** A load of one's own, unless somebody else has the turn (null). */
  async #lead(
    asked: Asked,
    place: Place,
    stale: Found | null,
    why: Forwarded,
    anew: boolean,
  ): Promise<CallReply | null> {
    let led: Exchange | null = null;
    await this.#parts.cache.open<Stored, CallFlight>(readingAt(place.ref, labelsOf(asked)), {
      anew,
      peeked: true,
      accept: (hit) =>
        stale !== null && foundInHit(hit, asked)?.answer.fields !== stale.answer.fields && isFresh(hit, asked),
      lead: (leadership) => {
        led = this.#exchange(asked, place, leadership, { why, stale });
        return led.flight;
      },
      follow: (token) => this.#followed(asked, place, token),
    });
    return led === null ? null : (led as Exchange).run();
  }

  #exchange(
    asked: Asked,
    { ref, variants }: Place,
    leadership: Leadership,
    occasion: ConstructorParameters<typeof Exchange>[3],
  ): Exchange {
    const { cache, upstream, budget, mostBytes, observer } = this.#parts;
    return new Exchange(
      { cache, upstream, budget, mostBytes, now: this.#now, notKept: (why) => observer?.notKept?.(why) },
      asked,
      { leadership, ref, labels: labelsOf(asked), variants },
      occasion,
    );
  }

  /** Another process loads it. */
  #followed(asked: Asked, { ref }: Place, token: string): CallFlight {
    const flight = new CallFlight();
    const ended = followLoad(this.#parts.cache, this.#parts.roles, {
      reading: readingAt(ref, labelsOf(asked)),
      token,
      accept: () => false,
      abandoned: NEVER_ABANDONED,
    });
    ended.then(
      () => flight.end({ kind: 'again' }),
      () => flight.end({ kind: 'again' }),
    );
    return flight;
  }
}

const RANGE: ReadonlySet<string> = new Set(['range', 'if-range']);
const NEVER_ABANDONED = new AbortController().signal;

function nothingKept(): CallError {
  return new CallError(
    'only_if_cached',
    'Nothing is kept that answers this request, and only-if-cached forbids to ask the service.',
  );
}

function isFresh(hit: Hit<Stored>, asked: Asked): boolean {
  const found = foundInHit(hit, asked);
  return found !== null && reuse(found, asked) === 'fresh';
}

function variantOf(asked: Asked, ref: KeyRef, stored: Variants): Place {
  return { ref: placeOf(asked, stored), variants: { ref, stored } };
}

function missOf({ variants }: Place): Forwarded {
  return variants === null ? 'miss' : 'vary-miss';
}

function labelsOf({ namespace, tags }: Pick<Asked, 'namespace' | 'tags'>): EntryLabels {
  return namespace === '' ? { tags } : { namespace, tags };
}

/** A caller who leaves waits no longer. */
async function departing<T>(ended: Promise<T>, left: AbortSignal): Promise<T> {
  if (left.aborted) throw left.reason as Error;
  const gone = Promise.withResolvers<never>();
  const leave = (): void => gone.reject(left.reason as Error);
  left.addEventListener('abort', leave);
  try {
    return await Promise.race([ended, gone.promise]);
  } finally {
    left.removeEventListener('abort', leave);
  }
}
