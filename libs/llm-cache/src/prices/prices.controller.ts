import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { formatUsd } from './money.js';
import { type Price, PriceTable, TOKEN_CLASSES } from './price-table.js';

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
}

export class PriceRow {
  @ApiProperty()
  readonly provider: string;

  @ApiProperty()
  readonly model: string;

  @ApiProperty({ description: 'The service tier.', example: 'standard' })
  readonly tier: string;

  @ApiProperty({ format: 'date', description: 'The first day on which it holds, UTC.' })
  readonly effective_from: string;

  @ApiProperty({ example: 'openai@2026-11-21', description: 'The price table that it stands in.' })
  readonly version: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: `USD for a million tokens, by class (${TOKEN_CLASSES.join(', ')}). A class that is not here has no known price.`,
    example: { input: '0.15', cached_input: '0.075', output: '0.6' },
  })
  readonly usd_per_million_tokens: Readonly<Record<string, string>>;

  constructor(price: Price) {
    this.provider = price.provider;
    this.model = price.model;
    this.tier = price.tier;
    this.effective_from = price.effectiveFrom.toISOString().slice(0, 10);
    this.version = price.version;
    this.usd_per_million_tokens = Object.fromEntries(
      Object.entries(price.nanoPerMillion).map(([tokenClass, nano]) => [tokenClass, formatUsd(nano)]),
    );
  }
}

export class PriceSource {
  @ApiProperty()
  readonly provider!: string;

  @ApiProperty()
  readonly version!: string;

  @ApiProperty({ description: 'Where the prices are from.' })
  readonly source!: string;
}

export class PricesAnswer {
  @ApiProperty({ type: [PriceRow] })
  readonly prices!: PriceRow[];

  @ApiProperty({ type: [PriceSource] })
  readonly sources!: PriceSource[];
}

@ApiTags('savings')
@Controller('v1/prices')
export class PricesController {
  readonly #prices: PriceTable;

  constructor(@Inject(PriceTable) prices: PriceTable) {
    this.#prices = prices;
  }

  @Get()
  @ApiOperation({ summary: 'The prices that the ledger counts with' })
  @ApiOkResponse({ type: PricesAnswer })
  list(@Query() request: PricesRequest): PricesAnswer {
    const wanted = (price: Price): boolean =>
      (request.provider === undefined || price.provider === request.provider) &&
      (request.model === undefined || price.model === request.model);
    return {
      prices: this.#prices
        .list()
        .filter(wanted)
        .map((price) => new PriceRow(price)),
      sources: this.#prices.sources(),
    };
  }
}
