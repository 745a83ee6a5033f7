import { ageMsOf } from '@promptsales/cache-core';
import { hash } from 'node:crypto';
import { bookReuse } from '../gateway/book-reuse.js';
import type { Ledger, ReuseKind } from '../ledger/ledger.js';
import { readOpenAiUsage } from '../ledger/openai-usage.js';
import type { AskedItems } from './asked-items.js';
import type { Found } from './embeddings-reply.js';

interface Avoided {
  tokens: number | null;
  model: string | null;
  ageSeconds: number | null;
}

/**
 * A line for what of a request was stored, and one for what others had under way; what is named twice in a request is
 * paid for once.
 */
export function bookAvoided(
  ledger: Ledger,
  { inquiry, refs }: AskedItems,
  found: readonly Found[],
  maxAgeSeconds: number | null,
): void {
  const avoided = new Map<ReuseKind, Avoided>();
  const paid = new Set<string>();
  for (const [at, one] of found.entries()) {
    const { key } = refs[at] as { key: string };
    if (one.how === 'paid' && !paid.has(key)) {
      paid.add(key);
      continue;
    }
    const ageSeconds = one.how === 'hit' ? Math.floor(ageMsOf(one.hit) / 1000) : null;
    const stale = ageSeconds !== null && maxAgeSeconds !== null && ageSeconds > maxAgeSeconds;
    const kind = one.how !== 'hit' ? 'coalesced' : stale ? 'stale' : 'hit';
    const sum = avoided.get(kind) ?? { tokens: 0, model: one.facts.model, ageSeconds };
    const { tokens } = one.facts;
    sum.tokens = sum.tokens === null || tokens === null ? null : sum.tokens + tokens;
    if (ageSeconds !== null) sum.ageSeconds = Math.max(sum.ageSeconds ?? 0, ageSeconds);
    avoided.set(kind, sum);
  }
  if (avoided.size === 0) return;
  const identity = hash('sha256', refs.map(({ key }) => key).join(' '), 'hex');
  const whole = { ...inquiry, ledger: { ...inquiry.ledger, identity } };
  for (const [kind, { tokens, model, ageSeconds }] of avoided) {
    const usage = tokens === null ? null : readOpenAiUsage({ prompt_tokens: tokens, total_tokens: tokens });
    bookReuse(ledger, whole, kind, { model, usage, responseId: null, serviceTier: null }, ageSeconds);
  }
}
