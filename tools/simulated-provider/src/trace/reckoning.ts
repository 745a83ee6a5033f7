/**
 * The ledger's lines against what passed the proxy in front of the provider, and against what callers saw. Shares nothing with
 * the ledger: prices stand here once more, as their providers publish them, in nano-dollars for a token.
 */
import type { CountedCall } from '../counting-proxy.js';
import { type Observed, TRACE_MODELS } from './replay.js';

/** Of `GET /v1/savings/export`. */
export interface ExportedLine {
  readonly kind: 'call' | 'hit';
  readonly outcome: string;
  readonly hits: number;
  readonly response_id: string | null;
  readonly request_ids: readonly (string | null)[];
  readonly spent_nano_usd: string | null;
  readonly avoided_nano_usd: string | null;
}

export interface Books {
  readonly lines: readonly ExportedLine[];
  /** Everything that reached the provider. */
  readonly calls: readonly CountedCall[];
  readonly observed: readonly Observed[];
  /** Of `GET /v1/savings`. */
  readonly lostAtMost: number;
  /** A process has said that PostgreSQL did not answer in time: what it spooled then is lost with it when it is killed. */
  readonly spooled: boolean;
}

export interface Reckoning {
  readonly verdicts: readonly { readonly what: string; readonly holds: boolean }[];
  readonly offByNanoUsd: bigint;
}

export function reckon({ lines, calls, observed, lostAtMost, spooled }: Books): Reckoning {
  const reached = calls.filter(({ method, answerId }) => method === 'POST' && answerId !== null);
  const costs = new Map(reached.map((call) => [call.answerId, costOf(call)]));
  const booked = lines.filter(({ kind }) => kind === 'call');
  const settled = booked.filter(({ spent_nano_usd: spent }) => spent !== null && spent !== '0');
  const open = booked.filter(({ spent_nano_usd: spent }) => spent === null);
  const free = booked.filter(({ spent_nano_usd: spent }) => spent === '0');
  let off = 0n;
  for (const line of settled) off += distance(BigInt(line.spent_nano_usd ?? 0), costs.get(line.response_id) ?? -1n);
  const whole = reached.filter(({ end }) => end === 'completed');
  const settledIds = new Set(settled.map(({ response_id: id }) => id));
  const unsettled = whole.filter(({ answerId }) => !settledIds.has(answerId));

  const hits = lines.filter(({ kind }) => kind === 'hit');
  let hitsOff = 0n;
  for (const line of hits) {
    const each = costs.get(line.response_id);
    if (line.avoided_nano_usd !== null)
      hitsOff += distance(BigInt(line.avoided_nano_usd), (each ?? -1n) * BigInt(line.hits));
  }
  const receipts = new Map<string, number>();
  for (const id of hits.flatMap(({ request_ids: ids }) => ids))
    if (id !== null) receipts.set(id, (receipts.get(id) ?? 0) + 1);
  const reused = observed.filter(
    ({ whole: all, cache }) => all && cache !== 'MISS' && cache !== 'REFRESH' && cache !== 'BYPASS',
  );
  const missing = reused.filter(({ requestId }) => !receipts.has(requestId));
  const notAsked = observed.filter(({ requestId }) => (receipts.get(requestId) ?? 0) > 1);
  const sum = settled.reduce((total, { spent_nano_usd: spent }) => total + BigInt(spent ?? 0), 0n);
  const posted = calls.filter(({ method }) => method === 'POST').length;
  return {
    offByNanoUsd: off + hitsOff,
    verdicts: [
      {
        what: `${booked.length} lines of calls for ${posted} calls that reached the provider${spooled ? ', some made while PostgreSQL did not answer in time' : ''}`,
        holds: (booked.length >= posted || spooled) && booked.length - posted <= open.length,
      },
      {
        what: `${settled.length} settled lines, ${sum} nano-dollars, off by ${off}`,
        holds: off === 0n && settled.length > 0,
      },
      {
        what: `${unsettled.length} whole answers whose process was killed before it wrote so: in ${open.length} unknown lines, in none as 0`,
        holds:
          (unsettled.length <= open.length || spooled) &&
          free.length === 0 &&
          booked.every(({ outcome }) => outcome !== 'intent'),
      },
      {
        what: `no call twice: ${settledIds.size} answers in ${settled.length} settled lines`,
        holds: settledIds.size === settled.length,
      },
      {
        what: `${hits.reduce((all, line) => all + line.hits, 0)} hits, avoided off by ${hitsOff} nano-dollars`,
        holds: hitsOff === 0n,
      },
      {
        what: `${reused.length} answers that callers saw reused, ${missing.length} of them not in the ledger, at most ${lostAtMost} lost`,
        holds: missing.length <= lostAtMost && notAsked.length === 0,
      },
    ],
  };
}

/** A line without a call stands in full for what it says. */
function distance(booked: bigint, counted: bigint): bigint {
  if (counted < 0n) return booked;
  return booked > counted ? booked - counted : counted - booked;
}

function costOf({ usage, model }: CountedCall): bigint {
  const count = (of: unknown, name: string): bigint => {
    const value = typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
    return BigInt(typeof value === 'number' ? value : 0);
  };
  if (model === TRACE_MODELS.openai) {
    const cached = count(usage?.['prompt_tokens_details'], 'cached_tokens');
    return (count(usage, 'prompt_tokens') - cached) * 150n + cached * 75n + count(usage, 'completion_tokens') * 600n;
  }
  const written = usage?.['cache_creation'];
  return (
    count(usage, 'input_tokens') * 2000n +
    count(usage, 'cache_read_input_tokens') * 100n +
    count(written, 'ephemeral_5m_input_tokens') * 2500n +
    count(written, 'ephemeral_1h_input_tokens') * 4000n +
    count(usage, 'output_tokens') * 10_000n
  );
}
