import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PriceFile, PriceTable } from './price-table.js';

/** The list prices that come with this version of the product. Whatever is wrong with a file stops the process at start. */
export function publishedPrices(): PriceTable {
  return new PriceTable(['openai.json', 'anthropic.json'].map(readPriceFile));
}

function readPriceFile(name: string): PriceFile {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as PriceFile;
}
