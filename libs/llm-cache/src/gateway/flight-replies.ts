/** Replies from a flight: its passenger gets what the provider says, as it comes or as a whole, and is booked for it. */
import { forwardedCacheHeaders, type ResponseHeaders } from '@promptsales/cache-core';
import type { AnswerFlight } from '../flight/answer-flight.js';
import type { Opening, Passenger, Refusal, Whole } from '../flight/broadcast.js';
import type { Ledger } from '../ledger/ledger.js';
import { LlmError } from '../protocol/llm-error.js';
import { withoutCut } from '../stream/recording.js';
import { endsWithBlankLine } from '../stream/sse-frames.js';
import { bookReuse } from './book-reuse.js';
import { ClientLeftError, EVENT_STREAM, type GatewayReply, type GatewayRequest, type Way } from './gateway-reply.js';
import type { Inquiry } from './inquiry.js';
import type { StoredReplies } from './stored-replies.js';

/** Of frames that are handed on in one piece: as much is held for a reader who takes nothing. */
const PIECE_BYTES = 64 * 1024;
const BLANK_LINE = Buffer.from('\n\n');

export class FlightReplies {
  readonly #ledger: Ledger;
  readonly #stored: StoredReplies;

  constructor(ledger: Ledger, stored: StoredReplies) {
    this.#ledger = ledger;
    this.#stored = stored;
  }

  /** Null: the flight did not take this passenger, or has nothing for him. */
  async aboard(
    inquiry: Inquiry,
    flight: AnswerFlight,
    way: Way,
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
      const upstreamMs = way.outcome === 'COALESCED' ? null : performance.now() - began;
      const reply = await this.#forwarded(inquiry, passenger, first, way, request, flight);
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
    way: Way,
    request: GatewayRequest,
    flight: AnswerFlight,
  ): Promise<Omit<GatewayReply, 'upstreamMs'> | null> {
    if (first.kind === 'stream') return this.#live(inquiry, passenger, first.headers, first.status, way);
    if (first.kind === 'json') {
      if (!first.streamable) return this.#forwarded(inquiry, passenger, await passenger.whole, way, request, flight);
      const headers = { ...first.headers, 'content-type': EVENT_STREAM };
      return this.#live(inquiry, passenger, headers, first.status, way);
    }
    passenger.leave();
    if (first.kind === 'again') return null;
    const called = flight.called && way.outcome !== 'COALESCED';
    if (first.kind === 'failed') {
      const stale = await this.#stored.insteadOfError(inquiry, request, called);
      if (stale !== null) return stale;
      throw first.error;
    }
    if (first.kind === 'refused') {
      const stale = first.status >= 500 ? await this.#stored.insteadOfError(inquiry, request, called) : null;
      return stale ?? refusal(first, way);
    }
    if (way.outcome === 'COALESCED') bookReuse(this.#ledger, inquiry, 'coalesced', first.facts);
    const headers = { ...first.headers, ...forwardedCacheHeaders(way.outcome, { ...way, stored: first.stored }) };
    return { status: first.status, headers, body: first.body, outcome: way.outcome };
  }

  #live(
    inquiry: Inquiry,
    passenger: Passenger,
    headers: ResponseHeaders,
    status: number,
    way: Way,
  ): Omit<GatewayReply, 'upstreamMs'> {
    const body = this.#liveFrames(inquiry, passenger, way);
    return { status, headers: { ...headers, ...forwardedCacheHeaders(way.outcome, way) }, body, outcome: way.outcome };
  }

  async *#liveFrames(inquiry: Inquiry, passenger: Passenger, way: Way): AsyncGenerator<Buffer> {
    const withUsage = inquiry.facts.usageAsked;
    const next = () => passenger.frames?.next(PIECE_BYTES);
    let got: 'nothing' | 'part' | 'end' | 'error' = 'nothing';
    let last: Buffer | null = null;
    try {
      for (let frames = await next(); frames; frames = await next()) {
        const slices = frames.flatMap(({ raw, cut }) => (withUsage ? [raw] : withoutCut(raw, cut)));
        if (slices.length === 0) continue;
        got = 'part';
        last = slices.at(-1) as Buffer;
        yield slices.length === 1 ? (slices[0] as Buffer) : Buffer.concat(slices);
      }
      if (passenger.aboard) got = 'end';
    } catch (error) {
      got = 'error';
      if (!(error instanceof LlmError)) throw error;
      if (last !== null && !endsWithBlankLine(last)) yield BLANK_LINE;
      yield inquiry.protocol.errorEvent(error);
    } finally {
      if (way.outcome === 'COALESCED' && got === 'end') this.#bookWhenWhole(inquiry, passenger);
      // What a part would have cost nobody knows.
      if (way.outcome === 'COALESCED' && got === 'part') bookReuse(this.#ledger, inquiry, 'coalesced', null);
      passenger.leave();
    }
  }

  #bookWhenWhole(inquiry: Inquiry, passenger: Passenger): void {
    void passenger.whole.then((whole) => {
      if (whole.kind === 'answer') bookReuse(this.#ledger, inquiry, 'coalesced', whole.facts);
      else if (whole.kind === 'failed' && whole.error.code === 'upstream_too_large') {
        // Too long to be merged, and read to its end all the same.
        bookReuse(this.#ledger, inquiry, 'coalesced', null);
      }
    });
  }
}

function refusal({ status, headers, body }: Refusal, way: Way): Omit<GatewayReply, 'upstreamMs'> {
  return { status, headers: { ...headers, ...forwardedCacheHeaders(way.outcome, way) }, body, outcome: way.outcome };
}

/** A client leaves after its answer, too. */
function alreadyAnswered(): void {}
