import { Body, Controller, Get, Inject, Put, Query, Req } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import type { Transaction } from 'kysely';
import { LEDGER_READER_OF, type LedgerReaderOf } from '../ledger/ledger-reader.js';
import { overridden, type PriceOverrides } from './overridden-prices.js';
import { PriceRow, PricesToStore, pricesIn } from './price-rows.js';
import { PriceTable } from './price-table.js';
import { StoredPrices } from './stored-prices.js';
import { amountsOf } from './used-prices.js';

/** Nest's token for the prices that tenants have agreed upon; null where there are none. */
export const PRICE_OVERRIDES = Symbol('PRICE_OVERRIDES');
/** Nest's token for where changes of prices are written down. */
export const NOTE_PRICES = Symbol('NOTE_PRICES');

/** Writes down, in the transaction that stores them, who changed which prices. */
export type NotePrices = <Tables>(
  request: FastifyRequest,
  transaction: Transaction<Tables>,
  act: { readonly action: 'prices.store'; readonly target: string; readonly detail: Readonly<Record<string, unknown>> },
) => Promise<void>;

export class PricesRequest {
  @ApiPropertyOptional({ example: 'openai' })
  @IsOptional()
  @IsString()
  @MaxLength(512)
  readonly provider?: string;

  @ApiPropertyOptional({ example: 'gpt-4o-mini' })
  @IsOptional()
  @IsString()
  @MaxLength(512)
  readonly model?: string;

  @ApiPropertyOptional({ description: 'Whose agreements to show; for administrators. Default: one’s own.' })
  @IsOptional()
  @IsString()
  @MaxLength(512)
  readonly tenant?: string;
}

export class PriceSource {
  @ApiProperty()
  readonly provider!: string;

  @ApiProperty()
  readonly version!: string;

  @ApiProperty({ description: 'Where the prices are from.' })
  readonly source!: string;
}

/** What a tenant pays by agreement. */
export class OverrideRow {
  @ApiProperty()
  readonly tenant!: string;

  @ApiProperty()
  readonly provider!: string;

  @ApiProperty()
  readonly model!: string;

  @ApiProperty({
    type: [String],
    description: 'The classes that the agreement names; of all others the list price holds.',
  })
  readonly overrides!: string[];

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'What holds today in the standard tier, both together: USD for a million tokens by class.',
  })
  readonly usd_per_million_tokens!: Readonly<Record<string, string>>;

  @ApiProperty({ example: 'openai@override-1a2b3c4d5e6f', description: 'As it stands in lines that it priced.' })
  readonly version!: string;
}

export class PricesAnswer {
  @ApiProperty({ type: [PriceRow] })
  readonly prices!: PriceRow[];

  @ApiProperty({ type: [OverrideRow], description: 'From `price_overrides` of stored providers.' })
  readonly overrides!: OverrideRow[];

  @ApiProperty({ type: [PriceSource] })
  readonly sources!: PriceSource[];
}

@ApiTags('Savings')
@Controller('v1/prices')
export class PricesController {
  constructor(
    @Inject(PriceTable) private readonly published: PriceTable,
    @Inject(StoredPrices) private readonly stored: StoredPrices,
    @Inject(PRICE_OVERRIDES) private readonly overrides: PriceOverrides | null,
    @Inject(LEDGER_READER_OF) private readonly readerOf: LedgerReaderOf,
    @Inject(NOTE_PRICES) private readonly note: NotePrices | null,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The prices that the ledger counts with' })
  @ApiOkResponse({ type: PricesAnswer })
  list(@Query() request: PricesRequest, @Req() http: FastifyRequest): PricesAnswer {
    const reader = this.readerOf(http);
    const wanted = ({ provider, model }: { readonly provider: string; readonly model: string }): boolean =>
      (request.provider === undefined || provider === request.provider) &&
      (request.model === undefined || model === request.model);
    const tenant = reader.admin ? (request.tenant ?? reader.tenant) : reader.tenant;
    return {
      prices: this.stored
        .list()
        .filter(({ price }) => wanted(price))
        .map(({ price, origin }) => new PriceRow(price, origin)),
      overrides: this.#overridesOf(tenant).filter(wanted),
      sources: this.published.sources(),
    };
  }

  @Put()
  @ApiOperation({
    summary: 'Store prices in front of the published ones',
    description:
      'For all tenants, from their day on; of two prices of one day the stored one holds. They count here at once and in every ' +
      'process within a second, for calls that end and hits that happen then: lines that were made before keep their price. ' +
      'Prices that are not named stay as they are; an answer of ours may be sent back.',
  })
  @ApiOkResponse({ type: PricesAnswer })
  @ApiBadRequestResponse({ description: '`validation_failed`: nothing was stored' })
  async store(@Body() body: PricesToStore, @Req() http: FastifyRequest): Promise<PricesAnswer> {
    const prices = pricesIn(body, new Date());
    await this.stored.store(prices, async (transaction) => {
      await this.note?.(http, transaction, {
        action: 'prices.store',
        target: 'prices',
        detail: { prices: [...prices] },
      });
    });
    return this.list({}, http);
  }

  #overridesOf(tenant: string): OverrideRow[] {
    return (this.overrides?.list(tenant) ?? []).map((override) => {
      const { provider, model, amounts } = override;
      const listed = this.stored.of({ tenant, provider, model, asked: model, serviceTier: null, at: new Date() });
      const price = overridden(override, listed);
      return {
        tenant,
        provider,
        model,
        overrides: Object.keys(amounts),
        usd_per_million_tokens: amountsOf(price.nanoPerMillion),
        version: price.version,
      };
    });
  }
}
