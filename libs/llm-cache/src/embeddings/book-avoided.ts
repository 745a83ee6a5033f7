import { ageMsOf } from '@promptsales/cache-core';
import { hash } from 'node:crypto';
import { bookReuse } from '../gateway/book-reuse.js';
import type { Ledger, ReuseKind } from '../ledger/ledger.js';
import { readOpenAiUsage } from '../ledger/openai-usage.js';
import type { AskedItems } from './asked-items.js';
import type { Found } from './embeddings-reply.js';

/**
 * One line for all of a request that was stored or that others had under way; what is named twice in a request is paid for
 * once. A request is counted once: by its call, where it made one, and by this line only where it made none.
 */
export function bookAvoided(
  ledger: Ledger,
  asked: AskedItems,
  found: readonly Found[],
  maxAgeSeconds: number | null,
): void {
  const { inquiry, refs } = asked;
  const avoided = withoutPaid(asked, found);
  const [first] = avoided;
  if (first === undefined) return;
  const ages = avoided.flatMap((one) => (one.how === 'hit' ? [Math.floor(ageMsOf(one.hit) / 1000)] : []));
  const ageSeconds = ages.length === 0 ? null : Math.max(...ages);
  const tokens = avoided.reduce<number | null>(
    (sum, { facts }) => (sum === null || facts.tokens === null ? null : sum + facts.tokens),
    0,
  );
  const usage = tokens === null ? null : readOpenAiUsage({ prompt_tokens: tokens, total_tokens: tokens });
  const facts = { model: first.facts.model, usage, responseId: null, serviceTier: null };
  const identity = hash('sha256', refs.map(({ key }) => key).join(' '), 'hex');
  const whole = { ...inquiry, ledger: { ...inquiry.ledger, identity } };
  const kind = kindOf(avoided.length > ages.length, ageSeconds, maxAgeSeconds);
  bookReuse(ledger, whole, kind, facts, { ageSeconds, part: asked.hasCalled });
}

function withoutPaid({ refs }: AskedItems, found: readonly Found[]): Found[] {
  const paid = new Set<string>();
  return found.filter((one, at) => {
    const { key } = refs[at] as { key: string };
    if (one.how !== 'paid' || paid.has(key)) return true;
    paid.add(key);
    return false;
  });
}

/** As the answer says it in `x-cache`, where there is no more to say than this. */
function kindOf(shared: boolean, ageSeconds: number | null, maxAgeSeconds: number | null): ReuseKind {
  if (shared) return 'coalesced';
  return ageSeconds !== null && maxAgeSeconds !== null && ageSeconds > maxAgeSeconds ? 'stale' : 'hit';
}
