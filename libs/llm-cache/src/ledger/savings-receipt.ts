/** Why one response was a hit, how old it was, and what it avoided; or that it was a call, and what that cost. */
import { ApiProperty } from '@nestjs/swagger';
import { type Kysely } from 'kysely';
import { formatUsd } from '../prices/money.js';
import {
  amountOfImage,
  amountsOfLine,
  countsOfLine,
  imagesOfLine,
  type LineCounts,
  type StoredLine,
} from './ledger-line.js';
import type { LedgerTables } from './ledger-tables.js';
import {
  callOfAnswer,
  callOfRequest,
  type HitLine,
  hitOfAnswer,
  hitOfRequest,
  type LineSearch,
  PricesOfLines,
} from './lines-query.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The longest answer, and then some. */
const AFTER_ARRIVAL_MS = 30 * MINUTE_MS;
/** How far back a request is looked for whose id does not say when it was. */
const LOOK_BACK_MS = 2 * DAY_MS;
/** How far back an answer's hits are looked for. */
const ANSWER_LOOK_BACK_MS = 31 * DAY_MS;

const WHY: Readonly<Record<string, string>> = {
  hit: 'The same request had been answered before, and its answer was still kept.',
  stale: 'The same request had been answered before; the answer was older than asked for, which the request allowed.',
  coalesced: 'The same request was being answered at that moment; both share the one call.',
  semantic: 'A request that means the same had been answered before, and policy allows to reuse that.',
  completed: 'Nothing could be reused: the provider was asked, and answered.',
  failed: 'Nothing could be reused: the provider was asked, and refused or broke off.',
  aborted:
    'Nothing could be reused: the provider was asked, and the call was given up because nobody waited for it any more.',
  unknown: 'Nothing could be reused: the provider was asked, and the process ended before the answer was known.',
  intent: 'Nothing could be reused: the provider is being asked.',
};

/** Beside a call. */
const STALE_AFTER_CALL =
  'The provider was asked and failed; the same request had been answered before, and takes the old answer then.';
const PART =
  'Parts of the answer had been given before and were still kept, or were being asked for by others; for the rest the provider was asked.';

const NULLABLE_NUMBER = { type: Number, nullable: true } as const;
const NULLABLE_TEXT = { type: String, nullable: true } as const;

/** Money and tokens of one answer, with what makes the one of the other. */
export class ReceiptAmount {
  @ApiProperty({ ...NULLABLE_TEXT, example: '0.00042', description: 'USD with every digit; null: not known.' })
  readonly usd!: string | null;

  @ApiProperty({
    ...NULLABLE_TEXT,
    description:
      'Why it is not known: `no_usage`, `no_price`, `no_class_price`, `inconsistent_usage`, `billed_beside`.',
  })
  readonly unpriced_because!: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'number', nullable: true },
    description:
      'As the provider counted them; null: it did not say. The totals hold all other input, and all other output.',
  })
  readonly tokens!: LineCounts;

  @ApiProperty({ ...NULLABLE_NUMBER, description: 'Images, where the provider bills them by the piece.' })
  readonly images!: number | null;

  @ApiProperty({ ...NULLABLE_TEXT, description: 'The price table by which it was counted.' })
  readonly price_version!: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'USD for a million tokens by class.',
  })
  readonly usd_per_million_tokens!: Readonly<Record<string, string>>;

  @ApiProperty({ ...NULLABLE_TEXT, description: 'USD for an image, where images are what was counted.' })
  readonly usd_per_image!: string | null;
}

/** The call that made the answer. */
export class ReceiptCall {
  @ApiProperty()
  readonly id!: string;

  @ApiProperty({ format: 'date-time' })
  readonly started_at!: string;

  @ApiProperty({ enum: ['intent', 'completed', 'failed', 'aborted', 'unknown'] })
  readonly status!: string;

  @ApiProperty({ ...NULLABLE_TEXT, description: 'The request for which it was made.' })
  readonly request_id!: string | null;

  @ApiProperty({ type: ReceiptAmount })
  readonly spent!: ReceiptAmount;
}

export class SavingsReceipt {
  @ApiProperty()
  readonly id!: string;

  @ApiProperty({
    enum: ['request', 'answer'],
    description: 'What the id names: one request (`x-request-id`), or an answer, of which this is then the last hit.',
  })
  readonly id_of!: 'request' | 'answer';

  @ApiProperty({ enum: ['hit', 'stale', 'coalesced', 'semantic', 'part', 'call'] })
  readonly outcome!: string;

  @ApiProperty()
  readonly why!: string;

  @ApiProperty({ format: 'date-time' })
  readonly at!: string;

  @ApiProperty({ ...NULLABLE_NUMBER, description: 'Of the answer when it was reused.' })
  readonly age_seconds!: number | null;

  @ApiProperty()
  readonly tenant!: string;

  @ApiProperty()
  readonly route!: string;

  @ApiProperty()
  readonly provider!: string;

  @ApiProperty({ description: 'That was asked for.' })
  readonly model!: string;

  @ApiProperty({ ...NULLABLE_TEXT, description: 'That answered.' })
  readonly answered_model!: string | null;

  @ApiProperty({ ...NULLABLE_TEXT, description: 'The answer’s own id.' })
  readonly response_id!: string | null;

  @ApiProperty({
    description:
      'What the request is known by: equal for equal requests. The key of its answer is `llm_cache:` and this.',
  })
  readonly identity!: string;

  @ApiProperty()
  readonly simulated!: boolean;

  @ApiProperty({ type: ReceiptAmount, nullable: true, description: 'Null where nothing was: it was a call.' })
  readonly avoided!: ReceiptAmount | null;

  @ApiProperty({
    type: ReceiptCall,
    nullable: true,
    description:
      'That made the answer, or the rest of it. Null where it is not in the ledger any more, or of another tenant.',
  })
  readonly call!: ReceiptCall | null;
}

/** Null where nothing of this id is known to the reader. `span`: when the request was, where the id does not say so. */
export async function readReceipt(
  db: Kysely<LedgerTables>,
  id: string,
  tenant: string | null,
  now: Date,
  span: { readonly from: Date; readonly to: Date } | null = null,
): Promise<SavingsReceipt | null> {
  const ofRequest = span === null ? requestSearch(id, tenant, now) : { tenant, ...span };
  const ofAnswer = { tenant, from: new Date(now.getTime() - ANSWER_LOOK_BACK_MS), to: soon(now) };
  const hit = await hitOfRequest(db, ofRequest, id);
  if (hit !== null && !hit.part) return receiptOf(db, id, 'request', hit, await callBehind(db, hit, tenant));
  const call = await callOfRequest(db, ofRequest, id);
  if (hit?.outcome === 'stale' && call?.outcome === 'failed') {
    const paid = await callBehind(db, hit, tenant);
    return { ...(await receiptOf(db, id, 'request', hit, paid)), outcome: hit.outcome, why: STALE_AFTER_CALL };
  }
  if (hit !== null || call !== null) return receiptOf(db, id, 'request', hit, call);
  const made = await callOfAnswer(db, { tenant, from: new Date(0), to: soon(now) }, id);
  const reused = await hitOfAnswer(db, ofAnswer, id);
  if (reused !== null) return receiptOf(db, id, 'answer', reused, made ?? (await callBehind(db, reused, tenant)));
  return made === null ? null : receiptOf(db, id, 'answer', null, made);
}

/** Ids of ours begin with their moment, so that a search of minutes suffices; a caller's own id says nothing of it. */
function requestSearch(id: string, tenant: string | null, now: Date): LineSearch {
  const at = momentIn(id);
  if (at === null || at > now.getTime() + DAY_MS) {
    return { tenant, from: new Date(now.getTime() - LOOK_BACK_MS), to: soon(now) };
  }
  return { tenant, from: new Date(at - MINUTE_MS), to: new Date(at + AFTER_ARRIVAL_MS) };
}

/** The moment in a UUID of version 7, or null for any other id. */
function momentIn(id: string): number | null {
  const found = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(id);
  return found === null ? null : Number.parseInt(`${found[1]}${found[2]}`, 16);
}

function soon(now: Date): Date {
  return new Date(now.getTime() + MINUTE_MS);
}

function callBehind(db: Kysely<LedgerTables>, hit: StoredLine, tenant: string | null): Promise<StoredLine | null> {
  if (hit.response_id === null) return Promise.resolve(null);
  return callOfAnswer(db, { tenant, from: new Date(0), to: new Date(hit.at.getTime() + DAY_MS) }, hit.response_id);
}

async function receiptOf(
  db: Kysely<LedgerTables>,
  id: string,
  idOf: SavingsReceipt['id_of'],
  hit: HitLine | null,
  call: StoredLine | null,
): Promise<SavingsReceipt> {
  const prices = new PricesOfLines(db);
  await prices.load([hit, call].filter((line) => line !== null));
  const line = hit ?? (call as StoredLine);
  const amountOf = (of: StoredLine): ReceiptAmount => ({
    usd: of.nano_usd === null ? null : formatUsd(BigInt(of.nano_usd) / BigInt(of.hits)),
    unpriced_because: of.unpriced_because,
    tokens: countsOfLine(of),
    images: imagesOfLine(of),
    price_version: of.price_version,
    usd_per_million_tokens: amountsOfLine(of, prices.of(of)),
    usd_per_image: amountOfImage(of, prices.of(of)),
  });
  const place = hit === null ? -1 : idOf === 'request' ? hit.request_ids.indexOf(id) : hit.request_ids.length - 1;
  return {
    id,
    id_of: idOf,
    outcome: hit === null ? 'call' : hit.part ? 'part' : hit.outcome,
    why: hit?.part === true ? PART : (WHY[line.outcome] ?? 'It is not known why.'),
    at: new Date(line.at.getTime() + Number(hit?.after_ms[place] ?? 0)).toISOString(),
    age_seconds: hit?.ages_seconds[place] ?? null,
    tenant: line.tenant,
    route: line.route,
    provider: line.provider,
    model: line.model,
    answered_model: line.answered_model,
    response_id: line.response_id,
    identity: line.identity,
    simulated: line.simulated,
    avoided: hit === null ? null : amountOf(hit),
    call:
      call === null
        ? null
        : {
            id: call.id,
            started_at: call.at.toISOString(),
            status: call.outcome,
            request_id: call.request_ids[0] ?? null,
            spent: amountOf(call),
          },
  };
}
