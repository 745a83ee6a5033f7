/** What the gateway is asked and what it answers, whoever answers. */
import type { CacheOutcome, ForwardReason, ResponseHeaders } from '@promptsales/cache-core';
import type { Arriving } from './inquiry.js';

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

/** How an answer came about that was not stored before. */
export type Forwarded = Exclude<CacheOutcome, 'HIT' | 'STALE' | 'SEMANTIC'>;

export interface Way {
  readonly outcome: Forwarded;
  readonly why: ForwardReason | null;
}

export const EVENT_STREAM = 'text/event-stream; charset=utf-8';
