import * as fc from 'fast-check';
import type { Usage } from '../ledger/ledger.js';
import { costOf } from './cost.js';
import { type Price, PriceTable } from './price-table.js';
import { publishedPrices } from './published-prices.js';

const NOW = new Date('2026-11-21T12:00:00Z');
const prices = publishedPrices();

const NOTHING: Usage = {
  inputTokens: 0,
  cachedInputTokens: null,
  cacheWrite5mTokens: null,
  cacheWrite1hTokens: null,
  audioInputTokens: null,
  imageInputTokens: null,
  outputTokens: 0,
  reasoningTokens: null,
  audioOutputTokens: null,
  imageOutputTokens: null,
};

function priceOf(model: string): Price | null {
  return prices.find('openai', model, null, NOW);
}

function priced(amounts: Record<string, string>): Price | null {
  const file = {
    provider: 'acme',
    version: '1',
    source: 'a test',
    prices: [{ models: ['m'], effective_from: '2020-01-01', usd_per_million_tokens: amounts }],
  };
  return new PriceTable([file]).find('acme', 'm', null, NOW);
}

describe('cost', () => {
  it('trap 20: bills each of Anthropic’s classes at its own price', () => {
    const usage = {
      ...NOTHING,
      inputTokens: 1210,
      cachedInputTokens: 100,
      cacheWrite5mTokens: 300,
      cacheWrite1hTokens: 800,
      outputTokens: 5,
    };
    const price = prices.find('anthropic', 'claude-sonnet-4-5', 'standard', NOW);
    // 10 × 3000 + 100 × 300 + 300 × 3750 + 800 × 6000 + 5 × 15000 nano-dollars.
    expect(costOf(usage, price)).toEqual({ nanoUsd: 6_060_000n, unpricedBecause: null });
    expect(prices.find('anthropic', 'claude-sonnet-4-5', 'fast', NOW)).toBeNull();
  });

  it('trap 20: bills all of a long prompt at what long prompts cost, and none of one that is just not long', () => {
    const price = prices.find('anthropic', 'claude-haiku-5-5', null, NOW);
    const usage = { ...NOTHING, inputTokens: 100_000, cachedInputTokens: 99_000, outputTokens: 10 };
    expect(costOf(usage, price)).toMatchObject({ nanoUsd: 1000n * 100n + 99_000n * 10n + 10n * 500n });
    const long = { ...usage, inputTokens: 100_001 };
    expect(costOf(long, price)).toMatchObject({ nanoUsd: 1001n * 500n + 99_000n * 50n + 10n * 2500n });
  });

  it('is tokens times the published price, to the nano-dollar', () => {
    const usage = { ...NOTHING, inputTokens: 1_234, outputTokens: 567 };
    expect(costOf(usage, priceOf('gpt-4o-mini'))).toEqual({
      nanoUsd: 1_234n * 150n + 567n * 600n,
      unpricedBecause: null,
    });
  });

  it('trap 20: unknown price is null, and so is unknown usage, never 0', () => {
    const usage = { ...NOTHING, inputTokens: 10, outputTokens: 10 };
    expect(costOf(usage, priceOf('a-model-nobody-knows'))).toEqual({ nanoUsd: null, unpricedBecause: 'no_price' });
    expect(costOf(null, priceOf('gpt-4o'))).toEqual({ nanoUsd: null, unpricedBecause: 'no_usage' });
    expect(costOf({ ...usage, outputTokens: null }, priceOf('gpt-4o')).nanoUsd).toBeNull();
    expect(costOf({ ...usage, inputTokens: null }, priceOf('gpt-4o')).nanoUsd).toBeNull();
  });

  it('trap 20: cached-token classes are priced as themselves and not also as input', () => {
    const usage = { ...NOTHING, inputTokens: 2_000, cachedInputTokens: 1_536, outputTokens: 100 };
    expect(costOf(usage, priceOf('gpt-4o')).nanoUsd).toBe(464n * 2_500n + 1_536n * 1_250n + 100n * 10_000n);
    expect(costOf(usage, priceOf('gpt-4.1')).nanoUsd).toBe(464n * 2_000n + 1_536n * 500n + 100n * 8_000n);
    expect(costOf(usage, priceOf('gpt-5')).nanoUsd).toBe(464n * 1_250n + 1_536n * 125n + 100n * 10_000n);
  });

  it('trap 20: cached-token classes without a price make the whole cost unknown', () => {
    const usage = { ...NOTHING, inputTokens: 2_000, cachedInputTokens: 1, outputTokens: 100 };
    expect(costOf(usage, priceOf('gpt-4-turbo'))).toEqual({ nanoUsd: null, unpricedBecause: 'no_class_price' });
    expect(costOf({ ...usage, cachedInputTokens: 0 }, priceOf('gpt-4-turbo')).nanoUsd).toBe(23_000_000n);
  });

  it('trap 20: cached-token classes of both write lifetimes have prices of their own', () => {
    const price = priced({
      input: '3',
      cached_input: '0.30',
      cache_write_5m: '3.75',
      cache_write_1h: '6',
      output: '15',
    });
    const usage = {
      ...NOTHING,
      inputTokens: 1_000,
      cachedInputTokens: 400,
      cacheWrite5mTokens: 300,
      cacheWrite1hTokens: 200,
      outputTokens: 10,
    };
    expect(costOf(usage, price).nanoUsd).toBe(
      100n * 3_000n + 400n * 300n + 300n * 3_750n + 200n * 6_000n + 10n * 15_000n,
    );
  });

  it('counts reasoning as output unless the price says otherwise', () => {
    const usage = { ...NOTHING, outputTokens: 1_000, reasoningTokens: 900 };
    expect(costOf(usage, priceOf('o3')).nanoUsd).toBe(1_000n * 8_000n);
    const apart = priced({ input: '1', output: '8', reasoning: '2' });
    expect(costOf(usage, apart).nanoUsd).toBe(100n * 8_000n + 900n * 2_000n);
  });

  it('prices audio apart from text', () => {
    const usage = { ...NOTHING, inputTokens: 100, audioInputTokens: 80, outputTokens: 60, audioOutputTokens: 50 };
    const price = priceOf('gpt-4o-audio-preview-2024-12-17');
    expect(costOf(usage, price).nanoUsd).toBe(20n * 2_500n + 80n * 40_000n + 10n * 10_000n + 50n * 80_000n);
    expect(costOf(usage, priceOf('gpt-4o')).unpricedBecause).toBe('no_class_price');
  });

  it('prices what image models count in tokens by class', () => {
    const usage = { ...NOTHING, inputTokens: 50, imageInputTokens: 40, outputTokens: 4_160 };
    expect(costOf(usage, priceOf('gpt-image-1')).nanoUsd).toBe(10n * 5_000n + 40n * 10_000n + 4_160n * 40_000n);
    const told = { ...usage, imageOutputTokens: 4_160 };
    expect(costOf(told, priceOf('gpt-image-1'))).toEqual(costOf(usage, priceOf('gpt-image-1')));
    expect(costOf(usage, priceOf('gpt-image-1-mini')).nanoUsd).toBe(10n * 2_000n + 40n * 2_500n + 4_160n * 8_000n);
  });

  it('trap 20: does not count what is cached and audio, or cached and image, as if it were two things', () => {
    const usage = { ...NOTHING, inputTokens: 100, cachedInputTokens: 60, outputTokens: 10 };
    const price = priced({ input: '2.5', cached_input: '1.25', audio_input: '40', image_input: '8', output: '10' });
    for (const media of [{ audioInputTokens: 30 }, { imageInputTokens: 1 }]) {
      expect(costOf({ ...usage, ...media }, price)).toEqual({ nanoUsd: null, unpricedBecause: 'no_class_price' });
      expect(costOf({ ...usage, ...media, cachedInputTokens: 0 }, price).nanoUsd).not.toBeNull();
    }
    expect(costOf({ ...usage, audioInputTokens: 0 }, price).nanoUsd).toBe(40n * 2_500n + 60n * 1_250n + 10n * 10_000n);
  });

  it('prices the text that an image model puts out apart from its images', () => {
    const usage = { ...NOTHING, inputTokens: 50, imageInputTokens: 40, outputTokens: 1_100, imageOutputTokens: 1_000 };
    const cost = 10n * 5_000n + 40n * 8_000n + 100n * 10_000n + 1_000n * 32_000n;
    expect(costOf(usage, priceOf('gpt-image-1.5'))).toEqual({ nanoUsd: cost, unpricedBecause: null });
  });

  it('trap 20: images billed by the piece cost what their quality and size cost, and unknown ones null', () => {
    const two = { ...NOTHING, inputTokens: null, outputTokens: null, images: 2 };
    const of = (model: string, tier: string) => costOf(two, prices.find('openai', model, tier, NOW));
    expect(of('dall-e-3', 'standard 1024x1024')).toEqual({ nanoUsd: 80_000_000n, unpricedBecause: null });
    expect(of('dall-e-3', 'hd 1792x1024').nanoUsd).toBe(240_000_000n);
    expect(of('dall-e-2', 'standard 512x512').nanoUsd).toBe(36_000_000n);
    expect(of('dall-e-3', 'auto 1024x1024')).toEqual({ nanoUsd: null, unpricedBecause: 'no_price' });
    expect(costOf(two, priceOf('gpt-image-1'))).toEqual({ nanoUsd: null, unpricedBecause: 'no_class_price' });
    expect(costOf({ ...two, images: 10_000_000 }, prices.find('openai', 'dall-e-3', 'hd 1024x1024', NOW))).toEqual({
      nanoUsd: null,
      unpricedBecause: 'inconsistent_usage',
    });
  });

  it('trap 20: has no cost where the provider bills more than it counts', () => {
    const usage = { ...NOTHING, inputTokens: 10, outputTokens: 5, billedBeside: true };
    expect(costOf(usage, priceOf('gpt-4o'))).toEqual({ nanoUsd: null, unpricedBecause: 'billed_beside' });
  });

  it('does not believe counts that contradict each other', () => {
    for (const usage of [
      { ...NOTHING, inputTokens: 10, cachedInputTokens: 11 },
      { ...NOTHING, outputTokens: 10, audioOutputTokens: 11 },
      { ...NOTHING, inputTokens: -1 },
      { ...NOTHING, inputTokens: 1.5 },
      { ...NOTHING, inputTokens: Number.MAX_SAFE_INTEGER },
    ]) {
      expect(costOf(usage, priceOf('gpt-4o'))).toEqual({ nanoUsd: null, unpricedBecause: 'inconsistent_usage' });
    }
  });

  it('rounds a part of a nano-dollar once, after the classes are added', () => {
    const price = priced({ input: '0.0004', cached_input: '0.0001', output: '0.0001' });
    expect(costOf({ ...NOTHING, inputTokens: 1 }, price).nanoUsd).toBe(0n);
    expect(costOf({ ...NOTHING, inputTokens: 1, outputTokens: 1 }, price).nanoUsd).toBe(1n);
  });

  it('is the sum over disjoint classes for all usages', () => {
    const count = fc.nat({ max: 1_000_000 });
    const price = priced({ input: '2.5', cached_input: '1.25', audio_input: '40', output: '10', audio_output: '80' });
    fc.assert(
      fc.property(count, count, count, count, count, fc.boolean(), (text, some, heard, said, spoken, isCached) => {
        // Not both: see the test above.
        const [cached, audio] = isCached ? [some, 0] : [0, heard];
        const usage = {
          ...NOTHING,
          inputTokens: text + cached + audio,
          cachedInputTokens: cached,
          audioInputTokens: audio,
          outputTokens: said + spoken,
          audioOutputTokens: spoken,
        };
        const expected = text * 2_500 + cached * 1_250 + audio * 40_000 + said * 10_000 + spoken * 80_000;
        expect(costOf(usage, price).nanoUsd).toBe(BigInt(expected));
      }),
    );
  });
});
