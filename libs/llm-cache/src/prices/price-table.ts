import { parseUsd } from './money.js';

/** The classes in which providers bill tokens. A class that a price does not name has no known price. */
export const TOKEN_CLASSES = [
  'input',
  'cached_input',
  'cache_write_5m',
  'cache_write_1h',
  'audio_input',
  'image_input',
  'output',
  'reasoning',
  'audio_output',
  'image_output',
] as const;
export type TokenClass = (typeof TOKEN_CLASSES)[number];

/** Nano-dollars for a million tokens. */
export type Rates = Readonly<Partial<Record<TokenClass, bigint>>>;

export interface LongPrompt {
  /** All input tokens of a request count, cached or not; then all of its tokens, in and out, cost this. */
  readonly aboveInputTokens: number;
  readonly nanoPerMillion: Rates;
}

/** One model's price from one day on. */
export interface Price {
  readonly provider: string;
  readonly model: string;
  readonly tier: string;
  readonly effectiveFrom: Date;
  readonly nanoPerMillion: Rates;
  /** Of an image that is billed by the piece; null or absent: images are billed by their tokens. */
  readonly nanoPerImage?: bigint | null;
  /** What holds in place of it where a prompt is long; null or absent: nothing else. */
  readonly longPrompt?: LongPrompt | null;
  /** The table that it stands in, e.g. `openai@2026-11-21`; kept with every line that it priced. */
  readonly version: string;
}

/** What is to be priced. */
export interface PriceQuestion {
  readonly tenant: string;
  readonly provider: string;
  /** That answered; the one that was asked for where the provider does not say. */
  readonly model: string;
  readonly asked: string;
  readonly serviceTier: string | null;
  readonly at: Date;
}

/** What the ledger counts with. */
export interface Prices {
  /** Null when there is none: then the cost is unknown, not zero. */
  of(question: PriceQuestion): Price | null;
}

/** A price file as it stands in the repository. Amounts are decimal strings, as providers publish them. */
export interface PriceFile {
  readonly provider: string;
  readonly version: string;
  readonly source: string;
  readonly prices: readonly {
    readonly models: readonly string[];
    readonly effective_from: string;
    /** @default 'standard' */
    readonly tier?: string;
    readonly usd_per_million_tokens: Readonly<Record<string, string>>;
    readonly usd_per_image?: string;
    readonly long_prompt?: {
      readonly above_input_tokens: number;
      readonly usd_per_million_tokens: Readonly<Record<string, string>>;
    };
  }[];
}

/** A price file that cannot be believed stops the process at start: a wrong price is worse than none. */
export class PriceFileError extends Error {
  readonly code = 'price_file_invalid';

  /** The member that is at fault, where it is one. */
  readonly member: string | null;

  constructor(
    provider: string,
    what: string,
    { member = null, cause }: { readonly member?: string | null; readonly cause?: unknown } = {},
  ) {
    super(`The price file of ${provider} is not usable: ${what}`, cause === undefined ? undefined : { cause });
    this.name = 'PriceFileError';
    this.member = member;
  }
}

const STANDARD_TIERS = new Set(['default', 'auto', 'standard']);

export function isStandardTier(serviceTier: string | null): boolean {
  return serviceTier === null || STANDARD_TIERS.has(serviceTier);
}

/**
 * Finds a price by provider, model, tier and day. Names are matched exactly: aliases and snapshots are listed in the file,
 * never derived, because a snapshot may cost something else than its alias. Immutable.
 */
export class PriceTable implements Prices {
  readonly #byName = new Map<string, Price[]>();
  readonly #files: readonly PriceFile[];

  constructor(files: readonly PriceFile[]) {
    this.#files = files;
    for (const file of files) for (const price of readPrices(file)) this.#add(price);
    for (const prices of this.#byName.values()) {
      prices.sort((one, other) => other.effectiveFrom.getTime() - one.effectiveFrom.getTime());
    }
  }

  of({ provider, model, serviceTier, at }: PriceQuestion): Price | null {
    return this.find(provider, model, serviceTier, at);
  }

  /** The price that held at that moment, or null when there is none: then the cost is unknown, not zero. */
  find(provider: string, model: string, serviceTier: string | null, at: Date): Price | null {
    const tier = serviceTier === null || isStandardTier(serviceTier) ? 'standard' : serviceTier;
    const prices = this.#byName.get(nameOf(provider, model, tier));
    return prices?.find((price) => price.effectiveFrom.getTime() <= at.getTime()) ?? null;
  }

  /** Every price, by provider and model, the latest first. */
  list(): Price[] {
    return [...this.#byName.values()].flat();
  }

  sources(): { provider: string; version: string; source: string }[] {
    return this.#files.map(({ provider, version, source }) => ({ provider, version, source }));
  }

  #add(price: Price): void {
    const name = nameOf(price.provider, price.model, price.tier);
    const prices = this.#byName.get(name) ?? [];
    if (prices.some((other) => other.effectiveFrom.getTime() === price.effectiveFrom.getTime())) {
      throw new PriceFileError(
        price.provider,
        `${price.model} has two prices from ${price.effectiveFrom.toISOString()}`,
      );
    }
    this.#byName.set(name, [...prices, price]);
  }
}

function nameOf(provider: string, model: string, tier: string): string {
  return `${provider}\n${tier}\n${model}`;
}

/** @throws {PriceFileError} for a file that cannot be believed */
export function checkPrices(file: PriceFile): void {
  Array.from(readPrices(file));
}

function* readPrices(file: PriceFile): Generator<Price> {
  for (const row of file.prices) {
    const effectiveFrom = new Date(`${row.effective_from}T00:00:00Z`);
    if (Number.isNaN(effectiveFrom.getTime())) {
      throw new PriceFileError(
        file.provider,
        `${row.models.join(', ')}: effective_from ${row.effective_from} is no date`,
      );
    }
    const named = row.models.join(', ');
    const nanoPerMillion = readClasses(file.provider, named, row.usd_per_million_tokens);
    const nanoPerImage =
      row.usd_per_image === undefined ? null : readAmount(file.provider, named, 'usd_per_image', row.usd_per_image);
    const longPrompt = readLongPrompt(file.provider, named, row.long_prompt);
    for (const model of row.models) {
      yield {
        provider: file.provider,
        model,
        tier: row.tier ?? 'standard',
        effectiveFrom,
        nanoPerMillion,
        nanoPerImage,
        longPrompt,
        version: `${file.provider}@${file.version}`,
      };
    }
  }
}

function readLongPrompt(
  provider: string,
  models: string,
  row: PriceFile['prices'][number]['long_prompt'],
): LongPrompt | null {
  if (row === undefined) return null;
  const { above_input_tokens: aboveInputTokens, usd_per_million_tokens: amounts } = row;
  if (!Number.isSafeInteger(aboveInputTokens) || aboveInputTokens < 0) {
    throw new PriceFileError(provider, `${models}: above_input_tokens is no number of tokens`);
  }
  return { aboveInputTokens, nanoPerMillion: readClasses(provider, models, amounts) };
}

function readClasses(provider: string, models: string, amounts: Readonly<Record<string, string>>): Rates {
  const classes: Partial<Record<TokenClass, bigint>> = {};
  for (const [name, usd] of Object.entries(amounts)) {
    const tokenClass = TOKEN_CLASSES.find((known) => known === name);
    if (tokenClass === undefined) throw new PriceFileError(provider, `${models}: no token class is called ${name}`);
    classes[tokenClass] = readAmount(provider, models, name, usd);
  }
  return Object.freeze(classes);
}

function readAmount(provider: string, models: string, name: string, usd: string): bigint {
  try {
    return parseUsd(usd);
  } catch (error) {
    throw new PriceFileError(provider, `${models}: ${name}`, { member: name, cause: error });
  }
}
