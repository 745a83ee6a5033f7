import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PriceFile, PriceFileError, PriceTable } from './price-table.js';
import { publishedPrices } from './published-prices.js';

const NOW = new Date('2026-11-21T12:00:00Z');

function fileOf(prices: PriceFile['prices']): PriceFile {
  return { provider: 'acme', version: '1', source: 'a test', prices };
}

describe('price table', () => {
  const published = publishedPrices();

  it('finds a price by alias and by snapshot', () => {
    for (const model of ['gpt-4o-mini', 'gpt-4o-mini-2024-07-18']) {
      expect(published.find('openai', model, null, NOW)?.nanoPerMillion).toEqual({
        input: 150_000_000n,
        cached_input: 75_000_000n,
        output: 600_000_000n,
      });
    }
  });

  it.each(['gpt-4o-2030-01-01', 'GPT-4O', 'gpt-4o ', 'gpt-4', '', '__proto__', 'constructor'])(
    'never derives a price from a name that is not listed: %j',
    (model) => {
      const found = published.find('openai', model, null, NOW);
      expect(found?.model ?? null).toBe(model === 'gpt-4' ? 'gpt-4' : null);
    },
  );

  it('knows no price of another provider, of another tier, or of a day before the first', () => {
    expect(published.find('azure', 'gpt-4o', null, NOW)).toBeNull();
    expect(published.find('openai', 'gpt-4o', 'flex', NOW)).toBeNull();
    expect(published.find('openai', 'gpt-4o', null, new Date('2024-10-01T23:59:59Z'))).toBeNull();
    for (const tier of ['default', 'auto'])
      expect(published.find('openai', 'gpt-4o', tier, NOW)?.tier).toBe('standard');
  });

  it('takes the price that held at the moment of the call', () => {
    const before = published.find('openai', 'o3', null, new Date('2025-06-09T23:59:59.999Z'));
    const after = published.find('openai', 'o3', null, new Date('2025-06-10T00:00:00Z'));
    expect(before?.nanoPerMillion.output).toBe(40_000_000_000n);
    expect(after?.nanoPerMillion.output).toBe(8_000_000_000n);
  });

  it('names the table that a price comes from', () => {
    expect(published.find('openai', 'gpt-4o', null, NOW)?.version).toMatch(/^openai@\d{4}-\d\d-\d\d(?:\.\d+)?$/);
  });

  it('gives what a version says another version when it changes: lines name the version by which they were made', () => {
    const digests = published.sources().map(({ provider, version }) => {
      const { prices } = JSON.parse(readFileSync(join(import.meta.dirname, `${provider}.json`), 'utf8')) as PriceFile;
      return [`${provider}@${version}`, createHash('sha256').update(JSON.stringify(prices)).digest('hex').slice(0, 12)];
    });
    expect(Object.fromEntries(digests)).toEqual({
      'openai@2026-11-22.2': '0a2fa106bd7f',
      'anthropic@2026-11-21': 'd792267d3049',
    });
  });

  it.each<[string, PriceFile['prices']]>([
    [
      'a class that nobody bills',
      [{ models: ['m'], effective_from: '2026-01-01', usd_per_million_tokens: { inptu: '1' } }],
    ],
    [
      'an amount that is no decimal',
      [{ models: ['m'], effective_from: '2026-01-01', usd_per_million_tokens: { input: '1e3' } }],
    ],
    [
      'a price of an image that is no decimal',
      [{ models: ['m'], effective_from: '2026-01-01', usd_per_million_tokens: {}, usd_per_image: 'a dime' }],
    ],
    ['a day that is none', [{ models: ['m'], effective_from: 'soon', usd_per_million_tokens: { input: '1' } }]],
    [
      'two prices from one day',
      [
        { models: ['m'], effective_from: '2026-01-01', usd_per_million_tokens: { input: '1' } },
        { models: ['n', 'm'], effective_from: '2026-01-01', usd_per_million_tokens: { input: '2' } },
      ],
    ],
  ])('refuses a file with %s', (_, prices) => {
    expect(() => new PriceTable([fileOf(prices)])).toThrow(PriceFileError);
  });
});
