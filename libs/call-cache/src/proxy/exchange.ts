/**
 * One load: the service is asked, the caller gets what it answers while it comes, and what may be kept is kept.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. The lease ends with the exchange: used by a fill, or given back as soon as it is known that nothing is kept.
 * 2. Nobody but its own caller gets an answer that may not be kept.
 * 3. What is kept under `Vary` is found only through the entry of its URI, and that one is written under the lease: an
 *    invalidation of the URI in the meantime leaves nothing of it.
 */
import { randomUUID } from 'node:crypto';
import type { Cache, EntryLabels, FillResult, KeyRef, Leadership } from '@promptsales/cache-core';
import { Directives } from '../rules/directives.js';
import { CONDITIONAL, validatorsOf } from '../rules/conditions.js';
import { freshened } from '../rules/freshening.js';
import { initialAgeMs, lifetimeOf, type Exchanged, type Lifetime } from '../rules/freshness.js';
import { Fields } from '../rules/fields.js';
import { isBodiless, isOriginError } from '../rules/statuses.js';
import { objectionTo, storedFields, type Objection } from '../rules/storing.js';
import { httpDateText } from '../rules/http-date.js';
import { selectionOf, varyNames } from '../rules/variants.js';
import { Recording, type RecordingBudget } from '../stored/recording.js';
import { encodeStored, type Stored, type StoredAnswer, type Variants } from '../stored/stored-answer.js';
import type { Service } from '../services/service.js';
import type { Upstream } from '../upstream/guarded-upstream.js';
import { spent, type UpstreamAnswer } from '../upstream/upstream-client.js';
import { ageLine, forwardedLines, type Forwarded } from './cache-status.js';
import { CallFlight, DESERTED, type FlightEnd } from './call-flight.js';
import type { Asked, CallReply } from './call.js';
import { answerFields, callersOwn } from './forwarded-fields.js';
import { foundOf, replyFrom, servesOnError, type Found } from './found.js';
import { placeOf } from './places.js';

export interface ExchangeParts {
  readonly cache: Cache;
  readonly upstream: Upstream;
  readonly budget: RecordingBudget;
  /** A longer body is not kept. */
  readonly mostBytes: number;
  readonly now: () => number;
  readonly notKept: (why: string) => void;
}

/** Where what comes is to be kept. */
export interface Destination {
  readonly leadership: Leadership;
  /** Of the URI, or of one of its variants. */
  readonly ref: KeyRef;
  readonly labels: EntryLabels;
  /** The URI's, where this is a variant. */
  readonly variants: { readonly ref: KeyRef; readonly stored: Variants } | null;
}

/** Why it is asked, and what is known already. */
export interface Occasion {
  readonly why: Forwarded;
  /** What is stored and will not do as it is. */
  readonly stale: Found | null;
}

/** What can no longer be fresh is kept for so long, to be asked about or to serve when nothing else can. */
const KEPT_STALE_SECONDS = 86_400;
const MOST_KEPT_SECONDS = 31_536_000;
/** The entry of a URI with variants outlives them. */
const VARIANTS_SECONDS = MOST_KEPT_SECONDS;
/** Nobody waits longer for what somebody else has asked for. */
const LONGEST_RECORDING_MS = 600_000;

export class Exchange {
  readonly flight = new CallFlight();
  readonly #parts: ExchangeParts;
  readonly #asked: Asked;
  readonly #destination: Destination;
  readonly #occasion: Occasion;

  constructor(parts: ExchangeParts, asked: Asked, destination: Destination, occasion: Occasion) {
    this.#parts = parts;
    this.#asked = asked;
    this.#destination = destination;
    this.#occasion = occasion;
  }

  /** What its own caller gets. @throws CallError */
  async run(): Promise<CallReply> {
    const began = this.#parts.now();
    this.flight.board(this.#asked.call.left);
    try {
      const answer = await this.#ask();
      const exchanged = { requestedAtMs: began, receivedAtMs: this.#parts.now() };
      return await this.#reply(answer, exchanged);
    } catch (error) {
      const { stale } = this.#occasion;
      // Who comes upon it in this moment has not left.
      const end = error === DESERTED ? { kind: 'again' as const } : failedBy(error);
      this.flight.end(end, this.#destination.leadership.release());
      if (stale !== null && servesOnError(stale, this.#asked)) return this.#staleReply(stale);
      throw error;
    }
  }

  /** An answer that was not asked for by this exchange, and is as good as one. */
  adopt(answer: UpstreamAnswer, exchanged: Exchanged): CallReply {
    return this.#answered(answer, exchanged);
  }

  /** The service is not hung up on as soon as the caller leaves: others may wait. */
  #ask(): Promise<UpstreamAnswer> {
    const { service, target, fields, question, call } = this.#asked;
    const { stale } = this.#occasion;
    const validators = stale === null ? [] : validatorsOf(stale.answer.fields);
    const asking =
      validators.length === 0 ? fields : fields.without((name) => CONDITIONAL.has(name)).with(...validators);
    const { informed } = call;
    return this.#parts.upstream.call({
      service,
      method: question === null ? 'GET' : 'POST',
      target: target.line,
      fields: question === null ? asking : asking.with(['Content-Length', String(question.length)]),
      body: question,
      signal: this.flight.calledOff,
      unwanted: this.flight.unwanted,
      ...(informed === undefined ? {} : { informed }),
    });
  }

  async #reply(answer: UpstreamAnswer, exchanged: Exchanged): Promise<CallReply> {
    const { stale } = this.#occasion;
    if (answer.status === 304 && stale !== null && validatorsOf(stale.answer.fields).length > 0) {
      await spent(answer.bytes);
      return this.#validated(stale, answer.fields, exchanged);
    }
    if (isOriginError(answer.status) && stale !== null && servesOnError(stale, this.#asked)) {
      await answer.bytes.return();
      this.flight.end({ kind: 'alone', erred: true }, this.#destination.leadership.release());
      return this.#staleReply(stale);
    }
    return this.#answered(answer, exchanged);
  }

  /** RFC 9111 §4.3.4 */
  async #validated({ answer }: Found, notModified: Fields, exchanged: Exchanged): Promise<CallReply> {
    const fields = freshened(answer.fields, dated(notModified, exchanged));
    const lifetime = lifetimeOf(answer.status, fields, this.#asked.lifetime, exchanged.receivedAtMs);
    const renewed = this.#storedOf(answer, fields, answer.body, lifetime, notModified, exchanged);
    const { status } = answer;
    const kept = this.#objection({ status, fields, lifetime }, exchanged) === null;
    if (kept) {
      this.#keep(renewed, exchanged.receivedAtMs);
    } else {
      this.#alone(status);
      // Whoever has this reply does not come upon what it ended.
      await this.flight.done;
    }
    // Cookies that came with the word that all is as it was are for this caller, and are not kept.
    const cookies = notModified.lines.filter(([name]) => name.toLowerCase() === 'set-cookie');
    const found = foundOf(renewed, 0, this.#asked);
    const lines = [ageLine(found.ageMs), ...forwardedLines(this.#occasion.why, 304, kept), ...cookies];
    return replyFrom(found, this.#asked, 'hit', this.#parts.now(), lines);
  }

  #answered(answer: UpstreamAnswer, exchanged: Exchanged): CallReply {
    const { status, reason, bytes, trailers } = answer;
    const fields = dated(answer.fields, exchanged);
    const lifetime = lifetimeOf(status, fields, this.#asked.lifetime, exchanged.receivedAtMs);
    const objection =
      this.#objection({ status, fields, lifetime }, exchanged) ?? (this.#isTooLong(fields) ? 'too-long' : null);
    const lines = forwardedLines(this.#occasion.why, status, false);
    const shown = { status, reason, fields: answerFields(fields).with(...lines), trailers };
    if (objection !== null) {
      this.#parts.notKept(objection);
      this.#alone(status);
      return { ...shown, body: isBodiless(status) ? emptied(bytes) : bytes };
    }
    const recording = new Recording(bytes, {
      mostBytes: this.#parts.mostBytes,
      budget: this.#parts.budget,
      withinMs: LONGEST_RECORDING_MS,
    });
    void this.#whenWhole(recording, { status, reason }, fields, lifetime, exchanged);
    return { ...shown, body: recording.forCaller() };
  }

  #objection(
    response: { readonly status: number; readonly fields: Fields; readonly lifetime: Lifetime },
    { receivedAtMs }: Exchanged,
  ): Objection | null {
    const { terms, fields, service, part } = this.#asked;
    // The service's own credentials are everybody's who asks here: what they tell of is in the space of the key.
    const request = { fields: callersOwn(fields, service), noStore: terms.noStore };
    return objectionTo({ ...response, request, receivedAtMs, part });
  }

  async #whenWhole(
    recording: Recording,
    { status, reason }: Pick<StoredAnswer, 'status' | 'reason'>,
    fields: Fields,
    lifetime: Lifetime,
    exchanged: Exchanged,
  ): Promise<void> {
    const body = await recording.whole;
    if (body === null) {
      this.#parts.notKept('not-whole');
      this.flight.end({ kind: 'alone' }, this.#destination.leadership.release());
      return;
    }
    const answer = this.#storedOf({ status, reason }, storedFields(fields), body, lifetime, fields, exchanged);
    this.#keep(answer, exchanged.receivedAtMs);
  }

  #storedOf(
    { status, reason }: Pick<StoredAnswer, 'status' | 'reason'>,
    kept: Fields,
    body: Buffer,
    lifetime: Lifetime,
    came: Fields,
    exchanged: Exchanged,
  ): StoredAnswer {
    const sinceMs = this.#parts.now() - exchanged.receivedAtMs;
    return {
      kind: 'answer',
      status,
      reason,
      fields: kept,
      body,
      initialAgeMs: initialAgeMs(came, exchanged) + sinceMs,
      lifetimeSeconds: lifetime.seconds,
      lifetimeSource: lifetime.source,
      selecting: [],
    };
  }

  #keep(answer: StoredAnswer, receivedAtMs: number): void {
    const said = varyNames(answer.fields) ?? [];
    const names = this.#asked.part ? [...new Set([...said, 'range'])].toSorted() : said;
    const own = { ...answer, selecting: selectionOf(this.#asked.fields, names) };
    const stored = this.#store(own, names);
    const keptAtMs = this.#parts.now();
    this.flight.end({ kind: 'kept', answer: own, keptAtMs: Math.max(keptAtMs, receivedAtMs) }, stored);
  }

  async #store(answer: StoredAnswer, names: readonly string[]): Promise<FillResult> {
    const { leadership, variants, labels } = this.#destination;
    const { cache, now } = this.#parts;
    const times = timesFor(answer, this.#asked);
    const filling = (stored: Stored) => ({ ...times, stored: [encodeStored(stored, now())] });
    if (variants !== null) {
      if (names.every((name) => variants.stored.names.includes(name))) return leadership.fill(filling(answer));
      // Others differ by more than was known: what is kept from now on is kept by all of it.
      const all = [...new Set([...variants.stored.names, ...names])].toSorted();
      const wider: Variants = { kind: 'variants', names: all, generation: randomUUID() };
      await leadership.release();
      return cache.put({ ref: variants.ref, labels }, variantsFilling(wider, now()));
    }
    if (names.length === 0) return leadership.fill(filling(answer));
    const several: Variants = { kind: 'variants', names, generation: randomUUID() };
    // Nobody knows of this generation yet, and nobody will if the lease does not stand.
    const at = placeOf(this.#asked, several);
    const kept = await cache.put({ ref: at, labels }, filling(answer));
    if (kept !== 'stored') {
      await leadership.release();
      return kept;
    }
    return leadership.fill(variantsFilling(several, now()));
  }

  /** Nothing is kept, and what was kept may be outdated. */
  #alone(status: number): void {
    const { leadership, ref, labels } = this.#destination;
    const outdated = this.#occasion.stale !== null && status < 400;
    const done = leadership
      .release()
      .then(() => (outdated ? this.#parts.cache.invalidate({ ref, labels }) : undefined));
    this.flight.end({ kind: 'alone', erred: isOriginError(status) }, done);
  }

  #staleReply(stale: Found): CallReply {
    return replyFrom(stale, this.#asked, 'stale', this.#parts.now());
  }

  #isTooLong(fields: Fields): boolean {
    return Number(fields.joined('content-length') ?? 0) > this.#parts.mostBytes;
  }
}

function failedBy(error: unknown): FlightEnd {
  return { kind: 'failed', error: error as Error };
}

/** The lifetime that the service is given is the time in Redis. What says its own may be of use for longer. */
function timesFor(answer: StoredAnswer, { service }: Pick<Asked, 'service'>): { ttlSeconds: number; freshMs: number } {
  const leftSeconds = Math.max(0, answer.lifetimeSeconds - answer.initialAgeMs / 1000);
  const ours = answer.lifetimeSource === 'service' || answer.lifetimeSource === 'override';
  const ttlSeconds = Math.min(leftSeconds + (ours ? 0 : staleSeconds(answer, service)), MOST_KEPT_SECONDS);
  return { ttlSeconds: Math.max(1, ttlSeconds), freshMs: leftSeconds * 1000 };
}

function staleSeconds({ fields }: StoredAnswer, { staleIfError }: Service): number {
  if (fields.has('etag') || fields.has('last-modified')) return KEPT_STALE_SECONDS;
  const says = Directives.of(fields);
  const window = says.seconds('stale-while-revalidate') ?? 0;
  return Math.max(staleIfError, window, says.seconds('stale-if-error') ?? 0);
}

function variantsFilling(variants: Variants, nowMs: number) {
  return { stored: [encodeStored(variants, nowMs)], ttlSeconds: VARIANTS_SECONDS };
}

/** RFC 9110 §6.6.1: who receives a response without a date gives it one. */
function dated(fields: Fields, { receivedAtMs }: Exchanged): Fields {
  return fields.has('date') ? fields : fields.with(['Date', httpDateText(receivedAtMs)]);
}

function emptied(bytes: UpstreamAnswer['bytes']): null {
  void spent(bytes);
  return null;
}
