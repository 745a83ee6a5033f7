import type { Ledger, ReuseKind } from '../ledger/ledger.js';
import type { AnswerFacts } from '../protocol/protocol.js';
import type { Inquiry } from './inquiry.js';

/** An answer that was not paid for again: `facts` are null where nobody knows what it would have cost. */
export function bookReuse(
  ledger: Ledger,
  inquiry: Inquiry,
  kind: ReuseKind,
  facts: AnswerFacts | null,
  { ageSeconds = null, part = false }: { readonly ageSeconds?: number | null; readonly part?: boolean } = {},
): void {
  ledger.reused({
    ...inquiry.ledger,
    kind,
    usage: facts?.usage ?? null,
    answeredModel: facts?.model ?? null,
    responseId: facts?.responseId ?? null,
    serviceTier: facts?.serviceTier ?? null,
    requestId: inquiry.requestId,
    ageSeconds,
    ...(part ? { part } : {}),
  });
}
