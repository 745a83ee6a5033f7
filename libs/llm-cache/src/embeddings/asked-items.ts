/**
 * One request for embeddings, taken apart: where each item stands, under which key it lies, and what was asked of the
 * provider for it.
 *
 * Positions are never passed on: an item is found by its key from here to the provider and back, in whatever order keys
 * are loaded and answers are listed.
 */
import { absent, type Absent, type Loaded } from '@promptsales/cache-core';
import type { Inquiry } from '../gateway/inquiry.js';
import type { CallCause } from '../ledger/ledger.js';
import { readOpenAiUsage } from '../ledger/openai-usage.js';
import { vectorIn } from '../protocol/embeddings/answer.js';
import { readItems, type EmbeddingItem } from '../protocol/embeddings/request.js';
import type { JsonObject } from '../protocol/protocol.js';
import { UnmappedEmbeddingsError, type EmbeddingCall, type EmbeddingCalls } from './embedding-calls.js';
import type { ItemFacts } from './item-note.js';
import { refOfItem, type EmbeddingRef } from './item-refs.js';
import { sharesOf } from './shares.js';

export type LoadedItem = Loaded<number[] | Absent>;

/** What is known of vectors that were just loaded, for all in this process who wait for them. */
export type FreshFacts = WeakMap<readonly number[], ItemFacts>;

/** Of an item that this request has paid for. */
export interface Paid extends ItemFacts {
  /** As the provider wrote it, but for its index. */
  readonly element: JsonObject;
}

export interface AskingMeans {
  readonly calls: EmbeddingCalls;
  readonly cause: CallCause;
  readonly fresh: FreshFacts;
  /** A line of the ledger counts this request already. */
  readonly hasCalled?: boolean;
}

export class AskedItems {
  /** One for each position. */
  readonly refs: readonly EmbeddingRef[];
  readonly calls: EmbeddingCall[] = [];
  /** By key. */
  readonly paid = new Map<string, Paid>();
  /** What went wrong in a call of this request, not in somebody else's that was joined. */
  readonly ownErrors = new Set<unknown>();
  readonly inquiry: Inquiry;
  /** What the provider said when this request asked it for all items, where nobody can tell them apart in it. */
  unmapped: Omit<EmbeddingCall, 'answer'> | null = null;
  #hasCalled: boolean;
  readonly #items = new Map<string, { readonly item: EmbeddingItem; readonly at: number }>();
  readonly #means: AskingMeans;

  constructor(inquiry: Inquiry, means: AskingMeans) {
    this.inquiry = inquiry;
    this.#means = means;
    this.#hasCalled = means.hasCalled ?? false;
    this.refs = readItems(this.#body['input']).map((item, at) => {
      const ref = refOfItem(inquiry, item);
      if (!this.#items.has(ref.key)) this.#items.set(ref.key, { item, at });
      return ref;
    });
  }

  /** A line of the ledger counts this request already. */
  get hasCalled(): boolean {
    return this.#hasCalled;
  }

  /** Asks the provider for these items, in one call. What cannot be kept is `absent`, and in `paid` all the same. */
  async load(refs: readonly EmbeddingRef[], signal: AbortSignal): Promise<(number[] | Absent)[]> {
    const wanted = refs
      .map(({ key }) => ({ key, ...(this.#items.get(key) as { item: EmbeddingItem; at: number }) }))
      .toSorted((one, other) => one.at - other.at);
    const call = await this.#ask(
      wanted.map(({ item }) => item),
      signal,
    );
    const { elements, model, usage } = call.answer;
    const shares = sharesOf(
      readOpenAiUsage(usage)?.inputTokens ?? null,
      wanted.map(({ item }) => item),
    );
    const vectors = new Map<string, number[] | Absent>();
    for (const [at, { key }] of wanted.entries()) {
      const element = elements[at] as JsonObject;
      const vector = vectorIn(element);
      const facts: ItemFacts = { form: vector?.form ?? 'float', tokens: shares[at] ?? null, model };
      this.paid.set(key, { ...facts, element });
      vectors.set(key, vector?.numbers ?? absent);
      if (vector !== null) this.#means.fresh.set(vector.numbers, facts);
    }
    return refs.map(({ key }) => vectors.get(key) as number[] | Absent);
  }

  async #ask(items: readonly EmbeddingItem[], signal: AbortSignal): Promise<EmbeddingCall> {
    // As it came, where all of it is asked for.
    const whole = items.length === this.refs.length;
    const body = whole ? this.inquiry.body.bytes : Buffer.from(JSON.stringify({ ...this.#body, input: items }));
    try {
      const { calls } = this.#means;
      // What a call of this request did not bring is asked for beside it.
      const cause = this.#hasCalled ? 'retry' : this.#means.cause;
      const begun = (): void => void (this.#hasCalled = true);
      const call = await calls.make({ inquiry: this.inquiry, cause, body, items: items.length, begun }, signal);
      this.calls.push(call);
      return call;
    } catch (error) {
      this.ownErrors.add(error);
      if (whole && error instanceof UnmappedEmbeddingsError) this.unmapped = error.call;
      throw error;
    }
  }

  get #body(): JsonObject {
    return this.inquiry.body.value as JsonObject;
  }
}
