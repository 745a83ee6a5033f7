/** What is exported is enough to compute every line again, by code that knows nothing of ours. */
import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { Usage } from '../../src/index.js';
import { LedgerApplication } from './ledger-application.js';
import { sampleCall, sampleHit, sampleOutcome, sampleUsage } from './sample-facts.js';

/** Lists are left out: nothing is computed from them. */
type Line = Readonly<Record<string, string | number | boolean | null>>;

/** Written from docs/ledger.md alone. Decimal texts are read digit by digit: no floating point. */
function recomputed(line: Line): bigint | null {
  const tokens = (name: string): bigint | null => {
    const given = line[`${name}_tokens`];
    return given === null || given === '' ? null : BigInt(String(given));
  };
  const picoPerToken = (name: string): bigint | null => {
    const usd = line[`usd_per_million_${name}`];
    if (usd === null || usd === '') return null;
    const [whole = '0', fraction = ''] = String(usd).split('.');
    // USD for a million tokens: a millionth of it for a token, which in 10^-15 USD is a whole number.
    return BigInt(whole) * 10n ** 9n + BigInt(fraction.padEnd(9, '0'));
  };
  const { images } = line;
  if (images !== null && images !== '') {
    const usd = line['usd_per_image'];
    if (usd === null || usd === '') return null;
    const [whole = '0', fraction = ''] = String(usd).split('.');
    const nano = BigInt(whole) * 10n ** 9n + BigInt(fraction.padEnd(9, '0'));
    return BigInt(String(images)) * nano * BigInt(String(line['hits']));
  }
  const input = tokens('input');
  const output = tokens('output');
  if (input === null || output === null) return null;
  const parts = ['cached_input', 'cache_write_5m', 'cache_write_1h', 'audio_input', 'image_input'] as const;
  if ((tokens('cached_input') ?? 0n) > 0n && (tokens('audio_input') ?? 0n) + (tokens('image_input') ?? 0n) > 0n) {
    return null;
  }
  const outputParts = ['audio_output', 'image_output'] as const;
  const bill: [string, bigint][] = [...parts, ...outputParts].map((name) => [name, tokens(name) ?? 0n]);
  const reasoning = picoPerToken('reasoning') === null ? 0n : (tokens('reasoning') ?? 0n);
  const rest = (names: readonly string[]): bigint =>
    bill.reduce((sum, [name, count]) => (names.includes(name) ? sum + count : sum), 0n);
  bill.push(['reasoning', reasoning]);
  bill.push(['input', input - rest(parts)]);
  bill.push(['output', output - rest(outputParts) - reasoning]);
  let sum = 0n;
  for (const [name, count] of bill) {
    if (count < 0n) return null;
    if (count === 0n) continue;
    const price = picoPerToken(name);
    if (price === null) return null;
    sum += count * price;
  }
  return ((sum + 500_000n) / 1_000_000n) * BigInt(String(line['hits']));
}

function amountOf(line: Line): bigint | null {
  const given = line['kind'] === 'call' ? line['spent_nano_usd'] : line['avoided_nano_usd'];
  return given === null || given === '' ? null : BigInt(String(given));
}

const MODELS = [
  ['openai', 'gpt-4o-mini'],
  ['openai', 'gpt-4o'],
  ['openai', 'agreed'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['anthropic', 'claude-haiku-5-5'],
  ['openai', 'stored'],
  ['openai', 'nobody-knows'],
] as const;

const part = fc.option(fc.nat({ max: 3_000 }), { nil: null });
/** Few models have a price for them. */
const rare = fc.oneof({ weight: 40, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat({ max: 9 }) });
const usages: fc.Arbitrary<Usage> = fc.record({
  inputTokens: fc.option(fc.integer({ min: 0, max: 250_000 }), { nil: null, freq: 20 }),
  cachedInputTokens: part,
  cacheWrite5mTokens: part,
  cacheWrite1hTokens: part,
  audioInputTokens: rare,
  imageInputTokens: rare,
  outputTokens: fc.option(fc.integer({ min: 0, max: 9_000 }), { nil: null, freq: 20 }),
  reasoningTokens: part,
  audioOutputTokens: rare,
  imageOutputTokens: rare,
});

describe('the export of the ledger', () => {
  let database: TestDatabase;
  let ours: LedgerApplication;
  const agreed: Record<string, Record<string, string>> = {
    agreed: { input: '0.333333333', output: '7', reasoning: '3.1' },
  };
  let lines: Line[];

  beforeAll(async () => {
    database = await createDatabase();
    ours = await LedgerApplication.start(database.url, {
      overrides: { of: (_tenant, _provider, model) => agreed[model] ?? null, list: () => [] },
    });
    const book = async (samples: number, seed: number): Promise<void> => {
      const booked = fc.sample(fc.tuple(fc.constantFrom(...MODELS), usages, fc.integer({ min: 1, max: 3 })), {
        numRuns: samples,
        seed,
      });
      const bookOne = async ([[provider, model], usage, hits]: (typeof booked)[number], at: number): Promise<void> => {
        const responseId = `r-${seed}-${at}`;
        const asked = { provider, model, client: '=1+1', segmento: 'jóvenes, "los" de siempre\n' };
        const call = await ours.ledger.begin(sampleCall({ ...asked, requestId: `q-${seed}-${at}` }));
        call.settle(sampleOutcome({ usage, model, responseId }));
        for (let hit = 0; hit < hits; hit += 1) {
          ours.ledger.reused(
            sampleHit({ ...asked, answeredModel: model, usage, responseId, requestId: `h-${seed}-${at}-${hit}` }),
          );
        }
      };
      await Promise.all(booked.map(bookOne));
    };
    const stored = (input: string, day: string) => ({
      provider: 'openai',
      model: 'stored',
      effective_from: day,
      usd_per_million_tokens: {
        input,
        cached_input: '0.01',
        output: '2',
        cache_write_5m: '0.7',
        cache_write_1h: '0.9',
      },
    });
    await ours.put('/v1/prices', { prices: [stored('1', '2026-01-01')] });
    await book(700, 1);
    // Prices change, and with them none of the lines that were made before.
    await ours.get('/v1/savings');
    await ours.put('/v1/prices', { prices: [stored('1.000000001', '2026-01-01')] });
    agreed['agreed'] = { input: '1', output: '2', cached_input: '0', cache_write_5m: '3', cache_write_1h: '4' };
    await book(300, 2);
    for (const [tier, images] of [['hd 1024x1792', 2] as const, ['auto 1024x1024', 1] as const]) {
      const usage = { ...sampleUsage(0, 0), inputTokens: null, outputTokens: null, images };
      const told = { usage, serviceTier: tier, responseId: null };
      const call = await ours.ledger.begin(sampleCall({ model: 'dall-e-3' }));
      call.settle(sampleOutcome({ ...told, model: null }));
      for (const requestId of ['i-1', 'i-2']) {
        ours.ledger.reused(sampleHit({ model: 'dall-e-3', answeredModel: null, ...told, requestId }));
      }
    }
    const failed = await ours.ledger.begin(sampleCall());
    failed.settle(sampleOutcome({ status: 'failed', usage: null, httpStatus: 429 }));
    await ours.ledger.begin(sampleCall({ tenant: 'globex' }));
    lines = (await ours.get('/v1/savings/export')).text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  });

  afterAll(async () => {
    await ours.close();
    await database.drop();
  });

  it('trap 20: has every line, and each can be computed again to the nano-dollar', () => {
    expect(lines.filter(({ kind }) => kind === 'call')).toHaveLength(1004);
    const off = lines.filter((line) => line['outcome'] !== 'failed' && recomputed(line) !== amountOf(line));
    expect(off).toEqual([]);
    const priced = lines.filter((line) => amountOf(line) !== null);
    expect(priced.length).toBeGreaterThan(500);
    for (const name of ['cache_write_5m', 'cache_write_1h', 'cached_input', 'reasoning']) {
      expect(priced.some((line) => Number(line[`${name}_tokens`]) > 0)).toBe(true);
    }
    expect(lines.filter(({ usd_per_image: usd }) => usd === '0.12')).toMatchObject([
      { kind: 'call', images: 2, spent_nano_usd: '240000000' },
      { kind: 'hit', images: 2, hits: 2, avoided_nano_usd: '480000000' },
    ]);
    // The rates of long prompts, of agreements and of stored prices, before and after they changed.
    const rates = new Set(priced.map((line) => `${String(line['model'])} ${String(line['usd_per_million_input'])}`));
    expect([...rates]).toEqual(
      expect.arrayContaining([
        'claude-haiku-5-5 0.1',
        'claude-haiku-5-5 0.5',
        'agreed 0.333333333',
        'agreed 1',
        'stored 1',
        'stored 1.000000001',
      ]),
    );
  });

  it('trap 20: unknown is null, with its reason, and never 0', () => {
    const unknown = lines.filter((line) => amountOf(line) === null && line['outcome'] !== 'intent');
    expect(unknown.length).toBeGreaterThan(100);
    for (const line of unknown) expect(line['unpriced_because']).toEqual(expect.any(String));
    expect(lines.filter(({ outcome }) => outcome === 'intent')).toMatchObject([
      { tenant: 'globex', spent_nano_usd: null },
    ]);
    expect(lines.filter(({ outcome }) => outcome === 'failed')).toMatchObject([{ spent_nano_usd: '0' }]);
  });

  it('adds up to what the report says', async () => {
    const { total } = (await ours.get('/v1/savings')).json() as {
      total: { spent: { usd: string }; avoided: { usd: string }; hits: number };
    };
    const nano = (usd: string): bigint => {
      const [whole = '0', fraction = ''] = usd.split('.');
      return BigInt(whole) * 10n ** 9n + BigInt(fraction.padEnd(9, '0'));
    };
    const sum = (kind: string): bigint =>
      lines.filter((line) => line['kind'] === kind).reduce((total_, line) => total_ + (amountOf(line) ?? 0n), 0n);
    expect([sum('call'), sum('hit')]).toEqual([nano(total.spent.usd), nano(total.avoided.usd)]);
    expect(lines.filter(({ kind }) => kind === 'hit').reduce((hits, line) => hits + Number(line['hits']), 0)).toBe(
      total.hits,
    );
  });

  it('is the same as CSV, in which no name can be a formula', async () => {
    const { text, type } = await ours.get('/v1/savings/export?format=csv');
    expect(type).toMatch(/^text\/csv/);
    const rows = parse<Line>(text, { columns: true });
    expect(rows).toHaveLength(lines.length);
    expect(rows.filter((line) => line['outcome'] !== 'failed' && recomputed(line) !== amountOf(line))).toEqual([]);
    expect(rows.map(({ id }) => id)).toEqual(lines.map(({ id }) => id));
    expect(rows[0]).toMatchObject({ client: "'=1+1", segmento: 'jóvenes, "los" de siempre\n', simulated: 'false' });
    expect(lines[0]).toMatchObject({ client: '=1+1' });
  });

  it('trap 7: shows a tenant its own lines only, and refuses another’s', async () => {
    const own = await ours.get('/v1/savings/export', { 'x-tenant': 'globex' });
    expect(
      own.text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as Line)['tenant']),
    ).toEqual(['globex']);
    expect((await ours.get('/v1/savings/export?tenant=acme', { 'x-tenant': 'globex' })).status).toBe(403);
    expect((await ours.get('/v1/savings/export?tenant=nobody')).text).toBe('');
    expect((await ours.get('/v1/savings/export?format=xml')).status).toBe(400);
  });

  /** Calls at these moments, the latest first; answers their ids by time. */
  async function bookAt(moments: readonly string[]): Promise<string[]> {
    const db = ours.database.as<{ ledger_calls: Record<string, unknown> }>();
    const row = sampleRow();
    const rows = moments.map((at, n) => ({
      ...row,
      id: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
      started_at: at,
    }));
    await db.deleteFrom('ledger_calls').where('process_id', '=', row['process_id']).execute();
    for (let at = rows.length; at > 0; at -= 500) {
      await db
        .insertInto('ledger_calls')
        .values(rows.slice(Math.max(0, at - 500), at))
        .execute();
    }
    return rows.map(({ id }) => id);
  }
  const idsBetween = async (from: string, to: string): Promise<unknown[]> =>
    (await ours.get(`/v1/savings/export?from=${from}&to=${to}`)).text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Line)['id']);

  it('goes on where a page ends, however many lines have one moment', async () => {
    const ids = await bookAt(Array.from({ length: 4_500 }, () => '2026-03-01T00:00:00Z'));
    expect(await idsBetween('2026-03-01', '2026-03-01')).toEqual(ids);
  });

  it('has each line once, in the order of time, where hours of many follow upon months of few', async () => {
    const dense = Array.from({ length: 4_500 }, (_, n) => `2026-03-01T10:00:00.${String(n).padStart(6, '0')}Z`);
    const ids = await bookAt([
      '2025-01-01T00:00:00Z',
      '2025-01-01T00:59:59.999999Z',
      '2025-01-01T01:00:00Z',
      '2025-11-30T23:59:59.999999Z',
      ...dense,
      '2026-05-01T00:00:00Z',
      '2026-05-31T23:59:59.999999Z',
    ]);
    expect(await idsBetween('2025-01-01', '2026-05-31')).toEqual(ids);
  });
});

function sampleRow(): Record<string, unknown> {
  const { keyId, ...facts } = sampleCall();
  const { tenant, client, route, provider, model, identity, simulated } = facts;
  return {
    process_id: '00000000-0000-7000-8000-000000000000',
    key_id: keyId,
    cause: 'request',
    status: 'unknown',
    tenant,
    client,
    route,
    provider,
    model,
    identity,
    simulated,
  };
}
