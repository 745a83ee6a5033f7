import { createDatabase, type TestDatabase, until } from '@promptsales/test-kit';
import { Ledger } from '../../src/index.js';
import { LedgerApplication } from './ledger-application.js';
import { sampleCall, sampleOutcome, sampleUsage } from './sample-facts.js';

interface Prices {
  readonly prices: readonly {
    readonly model: string;
    readonly effective_from: string;
    readonly origin: string;
    readonly version: string;
  }[];
  readonly overrides: readonly object[];
}

interface Savings {
  readonly groups: readonly { readonly key: string; readonly spent: { readonly usd: string | null } }[];
}

describe('prices that are stored', () => {
  let database: TestDatabase;
  let here: LedgerApplication;
  let there: LedgerApplication;

  beforeAll(async () => {
    database = await createDatabase();
    const amounts = { input: '0.5' };
    const overrides = {
      of: (tenant: string, _provider: string, model: string) =>
        tenant === 'acme' && model === 'gpt-4o' ? amounts : null,
      list: (tenant: string) => (tenant === 'acme' ? [{ provider: 'openai', model: 'gpt-4o', amounts }] : []),
    };
    [here, there] = [
      await LedgerApplication.start(database.url, { overrides }),
      await LedgerApplication.start(database.url),
    ];
  });

  afterAll(async () => {
    await here.close();
    await there.close();
    await database.drop();
  });

  const price = (more: object = {}): object => ({
    provider: 'openai',
    model: 'own',
    effective_from: '2026-01-01',
    usd_per_million_tokens: { input: '1', output: '2' },
    ...more,
  });
  const listed = async (on: LedgerApplication, model: string): Promise<Prices['prices']> =>
    ((await on.get(`/v1/prices?model=${model}`)).json() as Prices).prices;
  /** What a call of 100 and 20 tokens costs now. */
  const costOn = async (on: LedgerApplication, model: string): Promise<string | null> => {
    const client = `asks-${Math.random()}`;
    const call = await on.app.get(Ledger).begin(sampleCall({ model, client, tenant: 'globex' }));
    call.settle(sampleOutcome({ model }));
    const { groups } = (await on.get('/v1/savings?group_by=client')).json() as Savings;
    return groups.find(({ key }) => key === client)?.spent.usd ?? null;
  };

  it('count here at once and in every process within a second, without a restart, and go again', async () => {
    expect([await costOn(here, 'own'), await costOn(there, 'own')]).toEqual([null, null]);
    const put = await here.put('/v1/prices', { prices: [price()] });
    expect(put.status).toBe(200);
    expect(await costOn(here, 'own')).toBe('0.00014');
    await until(async () => (await costOn(there, 'own')) === '0.00014');
    expect(await listed(there, 'own')).toMatchObject([{ origin: 'stored', effective_from: '2026-01-01' }]);
    expect(here.noted).toMatchObject([{ action: 'prices.store', detail: { prices: [{ model: 'own' }] } }]);
    await there.put('/v1/prices', { prices: [price({ usd_per_million_tokens: null })] });
    expect(await costOn(there, 'own')).toBeNull();
    await until(async () => (await costOn(here, 'own')) === null);
  });

  it('stand in front of published ones of their day, and behind later ones', async () => {
    const [published] = await listed(here, 'gpt-4o-mini');
    const day = published?.effective_from ?? '';
    await here.put('/v1/prices', { prices: [price({ model: 'gpt-4o-mini', effective_from: '2020-01-01' })] });
    expect(await costOn(here, 'gpt-4o-mini')).toBe('0.000027');
    await here.put('/v1/prices', { prices: [price({ model: 'gpt-4o-mini', effective_from: day })] });
    expect(await costOn(here, 'gpt-4o-mini')).toBe('0.00014');
    expect((await listed(here, 'gpt-4o-mini')).map(({ origin }) => origin)).toEqual(['stored', 'stored']);
    await here.put('/v1/prices', { prices: [price({ model: 'gpt-4o-mini', effective_from: '2999-01-01' })] });
    expect(await costOn(here, 'gpt-4o-mini')).toBe('0.00014');
    const back = [day, '2020-01-01', '2999-01-01'].map((from) =>
      price({ model: 'gpt-4o-mini', effective_from: from, usd_per_million_tokens: null }),
    );
    await here.put('/v1/prices', { prices: back });
    expect(await listed(here, 'gpt-4o-mini')).toEqual([published]);
  });

  it('are of an image, too, by its quality and size', async () => {
    const amounts = { usd_per_million_tokens: {}, usd_per_image: 0.035 };
    const put = await here.put('/v1/prices', { prices: [price({ model: 'draws', tier: 'hd 512x512', ...amounts })] });
    expect(put.status).toBe(200);
    expect(await listed(here, 'draws')).toMatchObject([{ tier: 'hd 512x512', usd_per_image: '0.035' }]);
    const call = await here.app.get(Ledger).begin(sampleCall({ model: 'draws', client: 'draws' }));
    const usage = { ...sampleUsage(0, 0), inputTokens: null, outputTokens: null, images: 3 };
    call.settle(sampleOutcome({ model: null, usage, serviceTier: 'hd 512x512' }));
    const { groups } = (await here.get('/v1/savings?group_by=client')).json() as Savings;
    expect(groups.find(({ key }) => key === 'draws')?.spent).toMatchObject({ usd: '0.105', input_tokens: null });
    const refused = await here.put('/v1/prices', { prices: [price({ usd_per_image: 'a dime' })] });
    expect([refused.status, refused.json()]).toEqual([
      400,
      expect.objectContaining({
        errors: [{ path: 'prices[0].usd_per_image', message: expect.stringContaining('a dime') }],
      }),
    ]);
    const alone = { provider: 'openai', model: 'draws', tier: 'hd 64x64', usd_per_image: '0.01' };
    expect((await here.put('/v1/prices', { prices: [alone] })).status).toBe(200);
    const { usd_per_image: _none, ...nothing } = alone;
    expect((await here.put('/v1/prices', { prices: [nothing] })).status).toBe(400);
    expect(
      (await here.put('/v1/prices', { prices: [price({ usd_per_million_tokens: { input: 'x' } })] })).json(),
    ).toEqual(
      expect.objectContaining({
        errors: [
          { path: 'prices[0].usd_per_million_tokens', message: expect.stringMatching(/^input: "x" is not an amount/) },
        ],
      }),
    );
  });

  it('are taken as numbers, too', async () => {
    await here.put('/v1/prices', {
      prices: [price({ model: 'number', usd_per_million_tokens: { input: 0.15, output: 2 } })],
    });
    expect(await listed(here, 'number')).toMatchObject([{ usd_per_million_tokens: { input: '0.15', output: '2' } }]);
  });

  it('take null for what is left out, and the names by which answers call the standard tier', async () => {
    const nulls = { tier: null, effective_from: null, long_prompt: null, usd_per_image: null };
    expect((await here.put('/v1/prices', { prices: [price({ model: 'nulls', ...nulls })] })).status).toBe(200);
    expect(await listed(here, 'nulls')).toMatchObject([{ tier: 'standard' }]);
    await here.put('/v1/prices', { prices: [price({ model: 'default', tier: 'default' })] });
    expect(await costOn(here, 'default')).toBe('0.00014');
    const both = [price({ model: 'twice', tier: 'default' }), price({ model: 'twice' })];
    expect((await here.put('/v1/prices', { prices: both })).status).toBe(400);
  });

  it('take an answer of ours back, and prices of long prompts', async () => {
    const long_prompt = { above_input_tokens: 99, usd_per_million_tokens: { input: '10', output: '20' } };
    await here.put('/v1/prices', { prices: [price({ model: 'long', long_prompt })] });
    expect(await costOn(here, 'long')).toBe('0.0014');
    const before = await listed(here, 'long');
    expect((await here.put('/v1/prices', { prices: before })).status).toBe(200);
    const [after] = await listed(here, 'long');
    expect(after).toEqual({ ...before[0], version: after?.version });
  });

  it.each([
    ['no prices', { prices: [] }],
    ['no provider', { prices: [{ ...price(), provider: undefined }] }],
    [
      'an amount that is none',
      { prices: [price(), price({ model: 'other', usd_per_million_tokens: { input: '1e3' } })] },
    ],
    ['a truth for an amount', { prices: [price({ usd_per_million_tokens: { input: true } })] }],
    ['a number that is no decimal', { prices: [price({ usd_per_million_tokens: { input: 1e-9 } })] }],
    ['a class that nobody bills', { prices: [price({ usd_per_million_tokens: { inptu: '1' } })] }],
    ['a day that the calendar does not have', { prices: [price({ effective_from: '2026-02-30' })] }],
    ['no day', { prices: [price({ effective_from: 'soon' })] }],
    ['one price twice', { prices: [price(), price()] }],
    ['a member that is not known', { prices: [price({ colour: 'red' })] }],
    ['a NUL in a name', { prices: [price({ model: 'a\0b' })] }],
    ['names that are too long for an index', { prices: [price({ model: '€'.repeat(512), tier: '€'.repeat(512) })] }],
    ['a long prompt of no length', { prices: [price({ long_prompt: { usd_per_million_tokens: {} } })] }],
  ])('are refused with %s, all of them', async (_what, body) => {
    const before = (await here.get('/v1/prices')).text;
    expect((await here.put('/v1/prices', body)).status).toBe(400);
    expect((await here.get('/v1/prices')).text).toBe(before);
  });

  it('are shown with what the reader’s tenant has agreed upon, and with nobody else’s', async () => {
    const overridesFor = async (headers: Record<string, string>, query = ''): Promise<readonly object[]> =>
      ((await here.get(`/v1/prices${query}`, headers)).json() as Prices).overrides;
    expect(await overridesFor({ 'x-tenant': 'acme' })).toEqual([
      {
        tenant: 'acme',
        provider: 'openai',
        model: 'gpt-4o',
        overrides: ['input'],
        usd_per_million_tokens: { input: '0.5', cached_input: '1.25', output: '10' },
        version: expect.stringMatching(/^openai@override-/),
      },
    ]);
    expect(await overridesFor({ 'x-tenant': 'globex' }, '?tenant=acme')).toEqual([]);
    expect(await overridesFor({ 'x-tenant': 'root', 'x-admin': 'yes' }, '?tenant=acme')).toHaveLength(1);
  });
});
