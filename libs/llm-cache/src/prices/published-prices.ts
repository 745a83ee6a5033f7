import openai from './openai.json' with { type: 'json' };
import { PriceTable } from './price-table.js';

/** The list prices that come with this version of the product. */
export function publishedPrices(): PriceTable {
  return new PriceTable([openai]);
}
