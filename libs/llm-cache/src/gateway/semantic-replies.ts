/** Replies from answers to other questions, and what the semantic tier learns of the answers that were asked for instead. */
import { ageMsOf, type Cache, semanticCacheHeaders } from '@promptsales/cache-core';
import { answerText } from '../semantic/answer-text.js';
import type { Prospect, SemanticTier } from '../semantic/semantic-tier.js';
import type { GatewayReply, GatewayRequest } from './gateway-reply.js';
import type { Inquiry } from './inquiry.js';
import { jsonOf, readingOf, usableNote } from './stored-form.js';
import type { StoredReplies } from './stored-replies.js';

/** Either an answer, or what the provider's answer can teach. */
export type Sought =
  | { readonly reply: GatewayReply; readonly prospect?: undefined }
  | { readonly reply?: undefined; readonly prospect: Prospect | null };

/** Does its policy let it be answered by what another question was answered? */
export function wantsSemantic({ policy, bypass, answers, controls }: Inquiry): boolean {
  return policy.semantic?.enabled === true && bypass === null && answers === 1 && !controls.noCache;
}

export class SemanticReplies {
  readonly #tier: SemanticTier;
  readonly #cache: Cache;
  readonly #stored: StoredReplies;

  constructor(tier: SemanticTier, cache: Cache, stored: StoredReplies) {
    this.#tier = tier;
    this.#cache = cache;
    this.#stored = stored;
  }

  async seek(inquiry: Inquiry, request: GatewayRequest): Promise<Sought> {
    const { semantic } = inquiry.policy;
    const prospect = semantic === undefined ? null : await this.#tier.seek(inquiry, semantic);
    if (prospect?.serve !== true) return { prospect };
    const reply = await this.#served(inquiry, prospect, request);
    if (reply !== null) return { reply };
    this.#tier.unserved();
    return { prospect };
  }

  /** When the flight has ended: its answer may serve others, and shows whether another's would have done. */
  learnFrom(inquiry: Inquiry, prospect: Prospect, done: Promise<void>): void {
    void done.then(() => this.#learn(inquiry, prospect)).catch((error: unknown) => this.#tier.failed(error));
  }

  async #served(inquiry: Inquiry, prospect: Prospect, request: GatewayRequest): Promise<GatewayReply | null> {
    const { nearest } = prospect;
    if (nearest === null) return null;
    const found = await this.#cache.lookup(readingOf({ ...inquiry, hash: nearest.stored }));
    if (found.kind !== 'hit') {
      if (found.kind === 'miss') this.#tier.forget(prospect);
      return null;
    }
    const { hit } = found;
    const note = usableNote(inquiry, hit);
    const { maxAgeSeconds } = inquiry.controls;
    if (note === null || (maxAgeSeconds !== null && ageMsOf(hit) > maxAgeSeconds * 1000)) return null;
    void this.#tier.served(prospect, inquiry.ledger.tenant, [inquiry.requestId, note.facts.responseId]);
    return this.#stored.serve(inquiry, hit, request, 'SEMANTIC', semanticCacheHeaders(hit));
  }

  async #learn(inquiry: Inquiry, prospect: Prospect): Promise<void> {
    // Only what was stored may serve, and only JSON can be compared.
    const fresh = await this.#textOf(inquiry);
    if (fresh === null) return;
    await this.#tier.learn(prospect, inquiry.hash);
    const { nearest } = prospect;
    if (nearest === null || prospect.compare === null) return;
    const stored = await this.#textOf({ ...inquiry, hash: nearest.stored });
    if (stored === null) this.#tier.forget(prospect);
    else await this.#tier.observe(prospect, await this.#tier.judge.equivalent(fresh, stored));
  }

  async #textOf(inquiry: Inquiry): Promise<string | null> {
    const found = await this.#cache.lookup(jsonOf(inquiry));
    return found.kind === 'hit' && found.hit.value.kind === 'json' ? answerText(found.hit.value.bytes) : null;
  }
}
