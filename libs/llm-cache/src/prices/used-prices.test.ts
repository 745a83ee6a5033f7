import { PriceTable, type Price, type PriceQuestion } from './price-table.js';
import { UsedPrices } from './used-prices.js';

const listed = new PriceTable([
  {
    provider: 'openai',
    version: '1',
    source: 'x',
    prices: [{ models: ['a', 'b', 'c'], effective_from: '2026-01-01', usd_per_million_tokens: { input: '1' } }],
  },
]);
const question = (model: string): PriceQuestion => ({
  tenant: 'acme',
  provider: 'openai',
  model,
  asked: model,
  serviceTier: null,
  at: new Date('2026-06-01'),
});

/** Models whose prices were written, statement by statement. */
function statements(): { readonly models: string[][]; readonly write: (prices: readonly Price[]) => Promise<void> } {
  const models: string[][] = [];
  return {
    models,
    write: (prices) => {
      models.push(prices.map(({ model }) => model));
      return Promise.resolve();
    },
  };
}

it('has each price written once', async () => {
  const used = new UsedPrices(listed);
  const { models, write } = statements();
  for (const model of ['a', 'a', 'b', 'unheard of']) used.of(question(model));
  await used.written(write);
  used.of(question('a'));
  await used.written(write);
  expect(models).toEqual([['a', 'b']]);
});

it('has a price written again that may not have been', async () => {
  const used = new UsedPrices(listed);
  const { models, write } = statements();
  used.of(question('a'));
  await expect(used.written(() => Promise.reject(new Error('connection refused')))).rejects.toThrow('refused');
  await used.written(write);
  expect(models).toEqual([['a']]);
});

it('forgets none that is used while others are written twice at a time', async () => {
  const used = new UsedPrices(listed);
  const written = Promise.withResolvers<void>();
  used.of(question('a'));
  const both = [used.written(() => written.promise), used.written(() => written.promise)];
  used.of(question('b'));
  written.resolve();
  await Promise.all(both);
  const { models, write } = statements();
  await used.written(write);
  expect(models).toEqual([['b']]);
});
