import { BadRequestException } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import type { PriceToStore } from './stored-prices.js';
import { checkPrices, PriceFileError, isStandardTier, type Price, TOKEN_CLASSES } from './price-table.js';
import { writtenPrice } from './used-prices.js';

const LONGEST_NAME = 512;
const MOST_PRICES = 1_000;
/** Together they are the key of a row, and an entry of an index holds 2,700 bytes. */
const MOST_NAME_BYTES = 1_800;

const AMOUNTS = {
  type: 'object' as const,
  additionalProperties: { type: 'string' as const },
  description: `USD for a million tokens as decimal strings, by class (${TOKEN_CLASSES.join(', ')}). A class that is not here has no known price.`,
  example: { input: '0.15', cached_input: '0.075', output: '0.6' },
};

const PER_IMAGE_NAME = 'usd_per_image';
const PER_IMAGE = {
  type: String,
  example: '0.04',
  description:
    'USD for an image, of models that are billed by the piece; `tier` then names quality and size, such as `standard 1024x1024`.',
} as const;

export class LongPromptRow {
  @ApiProperty({ example: 200_000, description: 'Input tokens, cached or not, beyond which it holds.' })
  @IsInt()
  @Min(0)
  readonly above_input_tokens!: number;

  @ApiProperty(AMOUNTS)
  @IsObject()
  readonly usd_per_million_tokens!: Readonly<Record<string, string>>;
}

/** A price as it is shown. */
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
    enum: ['published', 'stored'],
    description: 'From the files of this version, or stored by an operator.',
  })
  readonly origin: 'published' | 'stored';

  @ApiProperty(AMOUNTS)
  readonly usd_per_million_tokens: Readonly<Record<string, string>>;

  @ApiPropertyOptional(PER_IMAGE)
  readonly usd_per_image?: string;

  @ApiPropertyOptional({ type: LongPromptRow, description: 'What all tokens cost of a request with a longer prompt.' })
  readonly long_prompt?: LongPromptRow;

  constructor(price: Price, origin: PriceRow['origin']) {
    this.provider = price.provider;
    this.model = price.model;
    this.tier = price.tier;
    this.effective_from = dayIn(price.effectiveFrom);
    this.version = price.version;
    this.origin = origin;
    const written = writtenPrice(price);
    this.usd_per_million_tokens = written.usd_per_million_tokens;
    if (written.usd_per_image !== undefined) this.usd_per_image = written.usd_per_image;
    if (written.long_prompt !== undefined) this.long_prompt = written.long_prompt;
  }
}

/** A price as it is stored; what an answer of ours adds may be sent back. */
export class PriceToStoreRow {
  @ApiProperty({ example: 'openai' })
  @IsString()
  @Length(1, LONGEST_NAME)
  readonly provider!: string;

  @ApiProperty({ example: 'gpt-4o-mini' })
  @IsString()
  @Length(1, LONGEST_NAME)
  readonly model!: string;

  @ApiPropertyOptional({ type: String, default: 'standard' })
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_NAME)
  readonly tier?: string | null;

  @ApiPropertyOptional({
    type: String,
    format: 'date',
    description: 'The first day on which it holds, UTC. Default: today.',
  })
  @IsOptional()
  @Matches(/^\d{4}-\d{2}-\d{2}$/, { message: '$property must be a day such as 2026-11-21' })
  readonly effective_from?: string | null;

  @ApiPropertyOptional({
    ...AMOUNTS,
    nullable: true,
    description: `${AMOUNTS.description} Null takes what was stored away. Needed, but where images are billed by the piece.`,
  })
  @ValidateIf(({ usd_per_million_tokens: amounts, usd_per_image: perImage }: PriceToStoreRow) =>
    amounts === undefined ? (perImage ?? null) === null : amounts !== null,
  )
  @IsObject()
  readonly usd_per_million_tokens?: Readonly<Record<string, string>> | null;

  @ApiPropertyOptional(PER_IMAGE)
  @IsOptional()
  readonly usd_per_image?: unknown;

  @ApiPropertyOptional({ type: LongPromptRow })
  @IsOptional()
  @ValidateNested()
  @Type(() => LongPromptRow)
  readonly long_prompt?: LongPromptRow | null;

  @ApiPropertyOptional({ description: 'Of an answer that is sent back; not heeded.' })
  @IsOptional()
  readonly version?: unknown;

  @ApiPropertyOptional({ description: 'Of an answer that is sent back; not heeded.' })
  @IsOptional()
  readonly origin?: unknown;
}

/** `PUT /v1/prices` */
export class PricesToStore {
  @ApiProperty({ type: [PriceToStoreRow] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_PRICES)
  @ValidateNested({ each: true })
  @Type(() => PriceToStoreRow)
  readonly prices!: PriceToStoreRow[];
}

/** @throws {BadRequestException} for an amount, a class or a day that is none, and where one price is given twice */
export function pricesIn({ prices }: PricesToStore, now: Date): PriceToStore[] {
  const seen = new Set<string>();
  return prices.map((row, index) => {
    const { provider, model, usd_per_million_tokens: amounts = {} } = row;
    const tier = tierOf(row.tier ?? 'standard');
    const from = row.effective_from ?? dayIn(now);
    const price =
      amounts === null
        ? null
        : {
            usd_per_million_tokens: asTexts(amounts),
            ...(row.usd_per_image === undefined || row.usd_per_image === null
              ? {}
              : { usd_per_image: asText(row.usd_per_image) }),
            ...(row.long_prompt === undefined || row.long_prompt === null
              ? {}
              : { long_prompt: longPromptIn(row.long_prompt) }),
          };
    const path = `prices[${index}]`;
    const names = `${provider}${model}${tier}`;
    if (names.includes('\0')) throw refused(path, 'names hold no NUL character');
    if (Buffer.byteLength(names) > MOST_NAME_BYTES) {
      throw refused(path, `its names may be ${MOST_NAME_BYTES} bytes long together`);
    }
    const place = JSON.stringify([provider, model, tier, from]);
    if (seen.has(place)) throw refused(path, 'names the same price as another');
    seen.add(place);
    // A day that the calendar does not have would be another one to whoever reads it.
    const day = new Date(`${from}T00:00:00Z`);
    if (Number.isNaN(day.getTime()) || dayIn(day) !== from)
      throw refused(`${path}.effective_from`, `${from} is no day`);
    try {
      if (price !== null) {
        checkPrices({
          provider,
          version: '',
          source: '',
          prices: [{ models: [model], tier, effective_from: from, ...price }],
        });
      }
    } catch (error) {
      if (!(error instanceof PriceFileError)) throw error;
      const { member, cause } = error;
      const field = member === PER_IMAGE_NAME ? PER_IMAGE_NAME : 'usd_per_million_tokens';
      const why = cause instanceof Error ? `${member ?? ''}: ${cause.message}` : error.message;
      throw refused(`${path}.${field}`, why);
    }
    return { provider, model, tier, effectiveFrom: from, price };
  });
}

function asTexts(amounts: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).map(([name, usd]) => [name, asText(usd)]));
}

/** An answer says `default` of what is stored and looked for as the standard tier. */
function tierOf(name: string): string {
  return isStandardTier(name) ? 'standard' : name;
}

/** A number is taken as it is written, as in `price_overrides`. */
function asText(usd: unknown): string {
  return typeof usd === 'string' ? usd : JSON.stringify(usd);
}

function longPromptIn({ above_input_tokens: above, usd_per_million_tokens: amounts }: LongPromptRow): LongPromptRow {
  return { above_input_tokens: above, usd_per_million_tokens: asTexts(amounts) };
}

function refused(path: string, message: string): BadRequestException {
  return new BadRequestException({
    code: 'validation_failed',
    detail: `${path}: ${message}`,
    errors: [{ path, message }],
  });
}

function dayIn(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}
