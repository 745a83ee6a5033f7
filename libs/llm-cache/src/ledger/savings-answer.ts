import { ApiProperty } from '@nestjs/swagger';
import { formatUsd } from '../prices/money.js';
import { type GroupSum, requestsOf, SAVINGS_GROUPS, type SavingsGroup, type SideSum } from './savings-report.js';

const TOKENS = { type: Number, nullable: true, description: 'Sum of what is known; null when nothing is.' } as const;

/** Money and tokens of one side. */
export class SavingsAmount {
  @ApiProperty({
    type: String,
    nullable: true,
    example: '1.204500015',
    description:
      'USD as a decimal string with every digit: the sum of what is known; null when no request could be priced.',
  })
  readonly usd: string | null;

  @ApiProperty(TOKENS)
  readonly input_tokens: number | null;

  @ApiProperty({ ...TOKENS, description: 'The part of input_tokens that the provider served from its own cache.' })
  readonly cached_input_tokens: number | null;

  @ApiProperty(TOKENS)
  readonly output_tokens: number | null;

  @ApiProperty({ ...TOKENS, description: 'The part of output_tokens that was reasoning.' })
  readonly reasoning_tokens: number | null;

  @ApiProperty({ description: 'Requests of this side whose cost is not known; they are not in usd.' })
  readonly unpriced_requests: number;

  constructor(side: SideSum | null) {
    this.usd = side === null ? '0' : usdOf(side);
    this.input_tokens = side === null ? 0 : side.inputTokens;
    this.cached_input_tokens = side === null ? 0 : side.cachedInputTokens;
    this.output_tokens = side === null ? 0 : side.outputTokens;
    this.reasoning_tokens = side === null ? 0 : side.reasoningTokens;
    this.unpriced_requests = side?.unpriced ?? 0;
  }
}

export class SavingsTotal {
  @ApiProperty({ description: 'Requests of clients: upstream calls made for one, and hits.' })
  readonly requests: number;

  @ApiProperty({ description: 'Requests answered without a call of their own.' })
  readonly hits: number;

  @ApiProperty({
    description:
      'Requests of which a part was there and the rest was asked for (embeddings), or that an old answer was given after their call had failed. They are no hits; what the stored part would have cost is avoided.',
  })
  readonly partial_hits: number;

  @ApiProperty({ description: 'The part of hits that shared the call of a simultaneous request.' })
  readonly coalesced: number;

  @ApiProperty({ description: 'Calls made to the provider, retries and refreshes included.' })
  readonly upstream_calls: number;

  @ApiProperty({ description: 'What the upstream calls cost.' })
  readonly spent: SavingsAmount;

  @ApiProperty({ description: 'What the hits would have cost.' })
  readonly avoided: SavingsAmount;

  @ApiProperty({
    description: 'Requests, calls and hits alike, whose cost is not known: they are in no amount of money.',
  })
  readonly unpriced_requests: number;

  @ApiProperty({ description: 'The part of unpriced_requests that is still open.' })
  readonly unsettled_requests: number;

  @ApiProperty({ description: 'The part of unpriced_requests whose process ended before the answer was known.' })
  readonly unknown_requests: number;

  @ApiProperty({ description: 'Requests that the simulated provider answered; their money is not real.' })
  readonly simulated_requests: number;

  @ApiProperty({ description: 'True when any amount here is not real.' })
  readonly simulated: boolean;

  constructor({ calls, reuse }: GroupSum) {
    this.requests = requestsOf({ key: null, calls, reuse });
    this.hits = reuse?.requests ?? 0;
    this.partial_hits = reuse?.partial ?? 0;
    this.coalesced = reuse?.coalesced ?? 0;
    this.upstream_calls = calls?.count ?? 0;
    this.spent = new SavingsAmount(calls);
    this.avoided = new SavingsAmount(reuse);
    this.unpriced_requests = this.spent.unpriced_requests + this.avoided.unpriced_requests;
    this.unsettled_requests = calls?.unsettled ?? 0;
    this.unknown_requests = calls?.unknown ?? 0;
    this.simulated_requests = (calls?.simulated ?? 0) + (reuse?.simulated ?? 0);
    this.simulated = (calls?.anySimulated ?? false) || (reuse?.anySimulated ?? false);
  }
}

export class SavingsEntry extends SavingsTotal {
  @ApiProperty({ type: String, nullable: true, description: 'The group; null: requests that named none.' })
  readonly key: string | null;

  constructor(group: GroupSum) {
    super(group);
    this.key = group.key;
  }
}

export class SavingsAnswer {
  @ApiProperty({ format: 'date-time' })
  readonly from!: string;

  @ApiProperty({ format: 'date-time', description: 'Exclusive.' })
  readonly to!: string;

  @ApiProperty({ enum: SAVINGS_GROUPS })
  readonly group_by!: SavingsGroup;

  @ApiProperty({ type: [SavingsEntry] })
  readonly groups!: SavingsEntry[];

  @ApiProperty({ description: 'Groups beyond the limit; they are in the total.' })
  readonly groups_left_out!: number;

  @ApiProperty()
  readonly total!: SavingsTotal;

  @ApiProperty({ description: 'True when any amount in this answer is not real: the simulated provider took part.' })
  readonly simulated!: boolean;

  @ApiProperty({
    description: 'An upper bound of the hits that crashed processes took with them in this time, over all tenants.',
  })
  readonly lost_at_most!: number;
}

function usdOf(side: SideSum): string | null {
  return side.nanoUsd === null ? null : formatUsd(side.nanoUsd);
}
