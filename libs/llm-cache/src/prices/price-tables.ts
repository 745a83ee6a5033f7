import type { ColumnType, JSONColumnType } from 'kysely';

/** What a price is, as it is written in files and in requests. */
export interface WrittenPrice {
  readonly usd_per_million_tokens: Readonly<Record<string, string>>;
  readonly usd_per_image?: string;
  readonly long_prompt?: {
    readonly above_input_tokens: number;
    readonly usd_per_million_tokens: Readonly<Record<string, string>>;
  };
}

/** Prices that operators have stored, each with the revision at which it was. */
export interface LedgerPricesTable {
  provider: string;
  model: string;
  tier: string;
  /** A day, as text. */
  effective_from: string;
  price: JSONColumnType<WrittenPrice>;
  revision: ColumnType<string, string, string>;
}

/** One row: how often the prices have been changed. */
export interface LedgerPriceClockTable {
  revision: ColumnType<string, string, string>;
}

/** Every price by which a line was made, so that the line can be computed again whatever has become of the price. */
export interface LedgerPricesUsedTable {
  version: string;
  provider: string;
  model: string;
  tier: string;
  effective_from: string;
  price: JSONColumnType<WrittenPrice>;
}

export interface PriceTables {
  ledger_prices: LedgerPricesTable;
  ledger_price_clock: LedgerPriceClockTable;
  ledger_prices_used: LedgerPricesUsedTable;
}
