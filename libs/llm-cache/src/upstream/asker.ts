/**
 * How a provider is asked. Always for a stream with usage, even when the client wants JSON: a follower who wants a
 * stream gets its first token, and the recording serves both forms. Where a provider refuses that, it is asked once more
 * in the client's own form, and the model is remembered so that the next call does not try again for a while.
 */
import type { Permit } from '@promptsales/cache-core';
import type { JsonObject, Protocol, RequestFacts } from '../protocol/protocol.js';
import type { Upstream, UpstreamResponse, UpstreamTarget } from './upstream-client.js';

const REMEMBERED_MODELS = 1000;
const REMEMBERED_MS = 3_600_000;
/** Statuses by which providers refuse a parameter. */
const REFUSALS: ReadonlySet<number> = new Set([400, 404, 405, 415, 422, 501]);

export interface Question {
  readonly target: UpstreamTarget;
  readonly protocol: Protocol;
  readonly facts: RequestFacts;
  /** The body exactly as the client sent it. */
  readonly raw: Buffer;
  /** The body as read; null when it does not survive reading and writing, so that only `raw` may be sent. */
  readonly json: JsonObject | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Of `enter`, for the first call. */
  readonly permit?: Permit | null;
  /** Told, before the second call, that the first was refused: each call has a ledger line of its own. */
  readonly onRefused?: (refused: UpstreamResponse) => Promise<void>;
}

export interface Asked {
  readonly response: UpstreamResponse;
  /** Whether the stream, if it is one, holds the usage event. */
  readonly usageAsked: boolean;
}

export class Asker {
  readonly #client: Upstream;
  readonly #now: () => number;
  /** Models that want the client's own form, with the time until which that is believed; oldest first. */
  readonly #ownForm = new Map<string, number>();

  constructor(client: Upstream, now: () => number = Date.now) {
    this.#client = client;
    this.#now = now;
  }

  /** The right to ask, where somebody watches over the provider; null where nobody does. */
  enter(target: UpstreamTarget): Promise<Permit> | null {
    return this.#client.enter?.(target) ?? null;
  }

  async ask(question: Question): Promise<Asked> {
    const { facts, json } = question;
    const { streamedRequest } = question.protocol;
    const asksForAllItself = facts.stream && facts.usageAsked;
    // What makes the provider keep or begin something is not ours to rewrite.
    const asItCame = facts.stateful === true || asksForAllItself;
    if (json === null || streamedRequest === null || asItCame || this.#wantsOwnForm(question)) {
      return this.#askInOwnForm(question);
    }
    const response = await this.#send(question, streamedRequest(json));
    if (!refusesStreaming(response)) return { response, usageAsked: true };
    await question.onRefused?.(response);
    const asked = await this.#askInOwnForm({ ...question, permit: null });
    // The refusal was about streaming only if the provider takes the same request without it.
    if (asked.response.kind === 'stream' || asked.response.kind === 'json') this.#remember(question);
    return asked;
  }

  async #askInOwnForm(question: Question): Promise<Asked> {
    return { response: await this.#send(question, question.raw), usageAsked: question.facts.usageAsked };
  }

  #send({ target, protocol, headers, signal, permit = null }: Question, body: Buffer): Promise<UpstreamResponse> {
    const { upstreamPath: path, credentialHeader = 'authorization' } = protocol;
    return this.#client.call({ target, method: 'POST', path, headers, body, credentialHeader, signal, permit });
  }

  #wantsOwnForm(question: Question): boolean {
    const name = nameOf(question);
    const until = this.#ownForm.get(name);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#ownForm.delete(name);
    return false;
  }

  #remember(question: Question): void {
    const name = nameOf(question);
    this.#ownForm.delete(name);
    this.#ownForm.set(name, this.#now() + REMEMBERED_MS);
    if (this.#ownForm.size > REMEMBERED_MODELS) this.#ownForm.delete(this.#ownForm.keys().next().value as string);
  }
}

/** The two forms apart: a provider that streams may still refuse `stream_options`. */
function nameOf({ target, protocol, facts }: Question): string {
  return JSON.stringify([target.baseUrl, protocol.id, facts.model, facts.stream]);
}

/** A provider may name only the member that it does not know: `include_usage`. Proxies speak of an upstream, too. */
const ABOUT_STREAMING = /\bstream|include_usage/i;

function refusesStreaming(response: UpstreamResponse): boolean {
  return (
    response.kind === 'refused' && REFUSALS.has(response.status) && ABOUT_STREAMING.test(response.body.toString('utf8'))
  );
}
