import { OverriddenPrices, type OverridingAmounts } from './overridden-prices.js';
import { PriceTable, type PriceQuestion } from './price-table.js';

const listed = new PriceTable([
  {
    provider: 'openai',
    version: '1',
    source: 'x',
    prices: [
      { models: ['m-2026'], effective_from: '2026-01-01', usd_per_million_tokens: { input: '1', output: '4' } },
      { models: ['m-2026'], effective_from: '2026-01-01', tier: 'flex', usd_per_million_tokens: { input: '0.5' } },
    ],
  },
]);
const overrides: Record<string, OverridingAmounts> = {
  'acme openai m-2026': { input: '0.15', unheard_of: '7' },
  'acme openai m': { input: '9' },
  'acme groq llama': { input: '0.05', output: '0.08' },
};
const prices = new OverriddenPrices(listed, {
  of: (...names) => overrides[names.join(' ')] ?? null,
  list: () => [],
});
const question = (more: Partial<PriceQuestion> = {}): PriceQuestion => ({
  tenant: 'acme',
  provider: 'openai',
  model: 'm-2026',
  asked: 'm',
  serviceTier: null,
  at: new Date('2026-06-01'),
  ...more,
});

it('replaces the classes that a tenant’s override names, and keeps the list price of the others', () => {
  expect(prices.of(question())).toMatchObject({
    nanoPerMillion: { input: 150_000_000n, output: 4_000_000_000n },
    version: expect.stringMatching(/^openai@override-[0-9a-f]{12}$/) as string,
  });
});

it('is looked for under the model that was asked for where none names the one that answered', () => {
  expect(prices.of(question({ model: 'm-2027' }))?.nanoPerMillion).toEqual({ input: 9_000_000_000n });
});

it('prices what no list knows', () => {
  const groq = question({ provider: 'groq', model: 'llama', asked: 'llama', serviceTier: 'default' });
  expect(prices.of(groq)?.nanoPerMillion).toEqual({ input: 50_000_000n, output: 80_000_000n });
  expect(prices.of({ ...groq, tenant: 'globex' })).toBeNull();
});

it('leaves other tenants and other tiers alone', () => {
  expect(prices.of(question({ tenant: 'globex' }))?.version).toBe('openai@1');
  expect(prices.of(question({ serviceTier: 'flex' }))).toMatchObject({ tier: 'flex', version: 'openai@1' });
});

it('is one price until the agreement or the list price under it changes, and another version after that', () => {
  const agreed: Record<string, OverridingAmounts> = { m: { input: '1' } };
  const changing = new OverriddenPrices(listed, {
    of: (_tenant, _provider, model) => agreed[model] ?? null,
    list: () => [],
  });
  const first = changing.of(question({ model: 'm' }));
  expect(changing.of(question({ model: 'm' }))).toBe(first);
  agreed['m'] = { input: '2' };
  const second = changing.of(question({ model: 'm' }));
  expect(second?.version).not.toBe(first?.version);
  agreed['m'] = { input: '1' };
  expect(changing.of(question({ model: 'm' }))).toEqual(first);
});

it('holds for prompts of any length', () => {
  const long = new PriceTable([
    {
      provider: 'openai',
      version: '1',
      source: 'x',
      prices: [
        {
          models: ['m'],
          effective_from: '2026-01-01',
          usd_per_million_tokens: { input: '1', output: '4' },
          long_prompt: { above_input_tokens: 10, usd_per_million_tokens: { input: '2', output: '8' } },
        },
      ],
    },
  ]);
  const over = new OverriddenPrices(long, { of: () => ({ input: '0.5' }), list: () => [] });
  expect(over.of(question({ model: 'm' }))).toMatchObject({
    nanoPerMillion: { input: 500_000_000n, output: 4_000_000_000n },
    longPrompt: { aboveInputTokens: 10, nanoPerMillion: { input: 500_000_000n, output: 8_000_000_000n } },
  });
});
