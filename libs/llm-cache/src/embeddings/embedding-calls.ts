/** Calls of the provider for embeddings, each with its line in the ledger, whoever waits for what it brings. */
import { asLlmError } from '../flight/leader-flight.js';
import type { FlightObserver } from '../flight/flight-observer.js';
import type { Inquiry } from '../gateway/inquiry.js';
import type { CallCause, CallOutcome, Ledger } from '../ledger/ledger.js';
import { readOpenAiUsage } from '../ledger/openai-usage.js';
import { readEmbeddings, readUnmapped, type EmbeddingsAnswer } from '../protocol/embeddings/answer.js';
import { EMBEDDINGS } from '../protocol/embeddings/embeddings.js';
import { LlmError } from '../protocol/llm-error.js';
import { readable, unauthorizedIn } from '../upstream/refusal.js';
import { collect } from '../upstream/upstream-body.js';
import type { Upstream, UpstreamResponse } from '../upstream/upstream-client.js';

export interface EmbeddingCallParts {
  readonly upstream: Upstream;
  readonly ledger: Ledger;
  readonly observer: FlightObserver;
}

export interface WantedCall {
  readonly inquiry: Inquiry;
  readonly cause: CallCause;
  readonly body: Buffer;
  /** How many it asks for. */
  readonly items: number;
  /** A line of the ledger counts it from now on. */
  readonly begun: () => void;
}

export interface EmbeddingCall {
  readonly answer: EmbeddingsAnswer;
  /** As the provider sent it. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly upstreamMs: number;
}

export type Refusal = Extract<UpstreamResponse, { kind: 'refused' }>;

/** The provider's own refusal, to be passed on. */
export class EmbeddingsRefusedError extends Error {
  readonly code = 'embeddings_refused';
  constructor(readonly refusal: Refusal) {
    super(`The provider refused to embed (${refusal.status}).`);
    this.name = 'EmbeddingsRefusedError';
  }
}

/** The provider's list is not one element for each item: it is an answer to who asked for all of them alone. */
export class UnmappedEmbeddingsError extends Error {
  readonly code = 'embeddings_unmapped';
  constructor(readonly call: Omit<EmbeddingCall, 'answer'>) {
    super('The provider answered with a list that is not one element for each item.');
    this.name = 'UnmappedEmbeddingsError';
  }
}

/** 2,048 vectors of 3,072 numbers in decimal text. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

export class EmbeddingCalls {
  readonly #parts: EmbeddingCallParts;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(parts: EmbeddingCallParts) {
    this.#parts = parts;
  }

  /** @throws EmbeddingsRefusedError, UnmappedEmbeddingsError, LlmError */
  make(wanted: WantedCall, signal: AbortSignal): Promise<EmbeddingCall> {
    const call = this.#make(wanted, signal);
    this.#underWay.add(call);
    const over = (): void => void this.#underWay.delete(call);
    call.then(over, over);
    return call;
  }

  /** Lets calls end within the bound, then ends them. */
  async close(boundMs: number): Promise<void> {
    const ended = Promise.allSettled(this.#underWay);
    const timer = setTimeout(() => {
      this.#stopping.abort(
        new LlmError('shutting_down', 'This server is stopping. Ask again.', { retryAfterSeconds: 1 }),
      );
    }, boundMs);
    await ended;
    clearTimeout(timer);
  }

  async #make({ inquiry, cause, body, items, begun }: WantedCall, left: AbortSignal): Promise<EmbeddingCall> {
    const { upstream, ledger, observer } = this.#parts;
    const { target, forwarded } = inquiry;
    const permit = (await upstream.enter?.(target)) ?? null;
    const intent = await ledger.begin({ ...inquiry.ledger, cause }).catch((thrown: unknown) => {
      permit?.settle('unknown');
      throw asLlmError(thrown);
    });
    begun();
    const signal = AbortSignal.any([this.#stopping.signal, left]);
    const began = performance.now();
    let outcome: CallOutcome = { status: 'failed', usage: null, model: null, httpStatus: null };
    try {
      const path = EMBEDDINGS.upstreamPath;
      const response = await upstream.call({ target, method: 'POST', path, headers: forwarded, body, signal, permit });
      if (response.kind !== 'failed') outcome = { ...outcome, httpStatus: response.status };
      const { headers, bytes } = this.#answered(response);
      const upstreamMs = performance.now() - began;
      const text = await collect(bytes, MAX_ANSWER_BYTES);
      const answer = readEmbeddings(text, items);
      const billing = answer ?? readUnmapped(text);
      if (billing === null) throw noEmbeddings();
      outcome = { ...outcome, status: 'completed', usage: readOpenAiUsage(billing.usage), model: billing.model };
      if (answer === null) throw new UnmappedEmbeddingsError({ body: text, headers, upstreamMs });
      return { answer, body: text, headers, upstreamMs };
    } catch (error) {
      if (signal.aborted) outcome = { ...outcome, status: 'aborted' };
      throw error;
    } finally {
      intent.settle(outcome);
      observer.upstream?.(outcome.status, (performance.now() - began) / 1000);
    }
  }

  #answered(response: UpstreamResponse): Extract<UpstreamResponse, { kind: 'json' | 'stream' }> {
    if (response.kind === 'failed') throw response.error;
    if (response.kind === 'refused') {
      const unauthorized = unauthorizedIn(response);
      if (unauthorized === null) throw new EmbeddingsRefusedError(legible(response));
      this.#parts.observer.failed?.(unauthorized);
      throw unauthorized;
    }
    return response;
  }
}

function legible(refused: Refusal): Refusal {
  return readable(refused, (code, message) => EMBEDDINGS.foreignErrorBody(refused.status, code, message));
}

function noEmbeddings(): LlmError {
  return new LlmError('upstream_invalid_response', 'The provider sent something that is no list of these embeddings.');
}
