import { formatUsd } from './money.js';
import type { Price, PriceQuestion, Prices, Rates } from './price-table.js';
import type { WrittenPrice } from './price-tables.js';

/** Remembers the prices that were given out, so that they are written down before the lines that were made by them. */
export class UsedPrices implements Prices {
  readonly #prices: Prices;
  readonly #seen = new WeakSet<Price>();
  readonly #unwritten = new Set<Price>();

  constructor(prices: Prices) {
    this.#prices = prices;
  }

  of(question: PriceQuestion): Price | null {
    const price = this.#prices.of(question);
    if (price !== null && !this.#seen.has(price)) {
      this.#seen.add(price);
      this.#unwritten.add(price);
    }
    return price;
  }

  /** Those that `write` has not acknowledged yet; usually none. Calls and hits may have them written at the same time. */
  async written(write: (prices: readonly Price[]) => Promise<void>): Promise<void> {
    if (this.#unwritten.size === 0) return;
    const batch = [...this.#unwritten];
    await write(batch);
    for (const price of batch) this.#unwritten.delete(price);
  }
}

/** A price as it is written in files, requests and answers. */
export function writtenPrice({ nanoPerMillion, nanoPerImage = null, longPrompt = null }: Price): WrittenPrice {
  return {
    usd_per_million_tokens: amountsOf(nanoPerMillion),
    ...(nanoPerImage === null ? {} : { usd_per_image: formatUsd(nanoPerImage) }),
    ...(longPrompt === null
      ? {}
      : {
          long_prompt: {
            above_input_tokens: longPrompt.aboveInputTokens,
            usd_per_million_tokens: amountsOf(longPrompt.nanoPerMillion),
          },
        }),
  };
}

export function amountsOf(rates: Rates): Record<string, string> {
  return Object.fromEntries(Object.entries(rates).map(([tokenClass, nano]) => [tokenClass, formatUsd(nano)]));
}
