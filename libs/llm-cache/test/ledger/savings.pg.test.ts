import { setTimeout as pause } from 'node:timers/promises';
import { type DynamicModule, type INestApplication, Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DatabaseModule } from '@promptsales/database';
import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { Client } from 'pg';
import { DurableLedger, Ledger, LedgerModule, ledgerMigrations, SavingsModule } from '../../src/index.js';
import { PATIENT_DATABASE, PATIENT_LEDGER } from './patience.js';
import { sampleCall, sampleHit, sampleOutcome, sampleUsage } from './sample-facts.js';

const DAY_MS = 86_400_000;

@Module({})
class Application {}

const savings = SavingsModule.forRoot({
  callerOf: ({ headers }) => ({ tenant: String(headers['x-tenant']), admin: headers['x-admin'] === 'yes' }),
});

async function start(
  url: string,
  order: 'database first' | 'ledger first' = 'database first',
): Promise<INestApplication> {
  const database = DatabaseModule.forRoot({ url, migrations: [ledgerMigrations], ...PATIENT_DATABASE });
  const ledger = LedgerModule.forRoot({ tuning: PATIENT_LEDGER });
  const imports: DynamicModule[] =
    order === 'database first' ? [database, ledger, savings] : [savings, ledger, database];
  const app = await NestFactory.create<NestFastifyApplication>({ module: Application, imports }, new FastifyAdapter(), {
    logger: ['error'],
  });
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

describe('savings over HTTP', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let ledger: Ledger;
  let today: string;

  beforeAll(async () => {
    database = await createDatabase();
    app = await start(database.url);
    ledger = app.get(Ledger);
    // All of it on one day.
    const untilMidnight = DAY_MS - (Date.now() % DAY_MS);
    if (untilMidnight < 30_000) await pause(untilMidnight + 1);
    today = new Date().toISOString().slice(0, 10);
    await bookADay();
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  async function get(path: string, headers: Record<string, string>): Promise<{ status: number; body: Body }> {
    const answer = await (app as NestFastifyApplication).inject({ method: 'GET', url: path, headers });
    return { status: answer.statusCode, body: answer.json<Body>() };
  }

  const acme = { 'x-tenant': 'acme' };
  const admin = { 'x-tenant': 'root', 'x-admin': 'yes' };

  /** Two tenants, two models, a model without a price, a simulated line, and an intent that stays open. */
  async function bookADay(): Promise<void> {
    const paid = await ledger.begin(sampleCall({ campanaId: 'spring' }));
    paid.settle(sampleOutcome({ usage: sampleUsage(1_000, 100, 600) }));
    for (let hit = 0; hit < 3; hit += 1)
      ledger.reused(sampleHit({ campanaId: 'spring', usage: sampleUsage(1_000, 100, 600) }));
    ledger.reused(sampleHit({ kind: 'coalesced', campanaId: null, client: 'chat' }));
    const unpriced = await ledger.begin(sampleCall({ model: 'llama-9' }));
    unpriced.settle(sampleOutcome({ model: 'llama-9' }));
    ledger.reused(sampleHit({ model: 'llama-9', answeredModel: 'llama-9' }));
    const retried = await ledger.begin(sampleCall({ cause: 'retry' }));
    retried.settle(sampleOutcome({ status: 'failed', usage: null, httpStatus: 429 }));
    const simulated = await ledger.begin(sampleCall({ tenant: 'other', simulated: true }));
    simulated.settle(sampleOutcome());
    await ledger.begin(sampleCall({ tenant: 'other' }));
  }

  // 400 × 150 + 600 × 75 + 100 × 600 nano-dollars a call of acme; 27,000 a sample hit.

  it('answers in the documented shape, with what was just done', async () => {
    const { status, body } = await get('/v1/savings', acme);
    expect(status).toBe(200);
    expect(body).toMatchObject({ group_by: 'model', groups_left_out: 0, simulated: false, lost_at_most: 0 });
    expect(Object.keys(body)).toEqual(expect.arrayContaining(['from', 'to', 'group_by', 'groups', 'total']));
    expect(body.groups).toEqual([
      {
        key: 'gpt-4o-mini',
        requests: 5,
        hits: 4,
        partial_hits: 0,
        coalesced: 1,
        upstream_calls: 2,
        spent: {
          usd: '0.000165',
          input_tokens: 1_000,
          cached_input_tokens: 600,
          output_tokens: 100,
          reasoning_tokens: 0,
          unpriced_requests: 0,
        },
        avoided: {
          usd: '0.000522',
          input_tokens: 3_100,
          cached_input_tokens: 1_800,
          output_tokens: 320,
          reasoning_tokens: 0,
          unpriced_requests: 0,
        },
        unpriced_requests: 0,
        unsettled_requests: 0,
        unknown_requests: 0,
        simulated_requests: 0,
        simulated: false,
      },
      expect.objectContaining({ key: 'llama-9', requests: 2, hits: 1, unpriced_requests: 2 }),
    ]);
    expect(body.total).toMatchObject({ requests: 7, hits: 5, unpriced_requests: 2, spent: { usd: '0.000165' } });
  });

  it('trap 20: unknown price is null where nothing is known, and beside the sum where something is', async () => {
    const { body } = await get('/v1/savings', acme);
    expect(body.groups[1]).toMatchObject({
      spent: { usd: null, input_tokens: 100, unpriced_requests: 1 },
      avoided: { usd: null, input_tokens: 100, unpriced_requests: 1 },
    });
    expect(body.total.avoided.usd).not.toBeNull();
    expect(body.total.avoided.unpriced_requests).toBe(1);
  });

  it('trap 20: hits are never booked as spent', async () => {
    const { body } = await get('/v1/savings?group_by=client', acme);
    expect(body.groups.find(({ key }) => key === 'chat')).toMatchObject({
      requests: 1,
      hits: 1,
      upstream_calls: 0,
      spent: { usd: '0', input_tokens: 0, output_tokens: 0 },
      avoided: { usd: '0.000027' },
    });
  });

  it.each([
    ['route', ['/v1/chat/completions']],
    ['campaign', ['spring', null]],
    ['tenant', ['acme']],
    ['client', ['crm', 'chat']],
  ])('groups by %s', async (group, keys) => {
    const { body } = await get(`/v1/savings?group_by=${group}`, acme);
    expect(body.groups.map(({ key }) => key)).toEqual(keys);
  });

  it('groups by day', async () => {
    const { body } = await get('/v1/savings?group_by=day', acme);
    expect(body.groups.map(({ key }) => key)).toEqual([today]);
  });

  it('shows a tenant its own lines only', async () => {
    expect((await get('/v1/savings?group_by=tenant&tenant=acme', acme)).body.groups).toHaveLength(1);
    expect((await get('/v1/savings?tenant=other', acme)).status).toBe(403);
    const other = await get('/v1/savings', { 'x-tenant': 'other' });
    expect(other.body.total).toMatchObject({ requests: 2, hits: 0 });
    const nobody = await get('/v1/savings', { 'x-tenant': "acme' or '1'='1" });
    expect(nobody.body).toMatchObject({ groups: [], total: { requests: 0, spent: { usd: '0' } } });
  });

  it('shows an administrator everything, or one tenant', async () => {
    const all = await get('/v1/savings?group_by=tenant', admin);
    expect(all.body.groups.map(({ key }) => key)).toEqual(['acme', 'other']);
    const one = await get('/v1/savings?group_by=tenant&tenant=other', admin);
    expect(one.body.groups.map(({ key }) => key)).toEqual(['other']);
  });

  it('says that simulated money is simulated, and that an open call is open', async () => {
    const { body } = await get('/v1/savings?tenant=other', admin);
    expect(body).toMatchObject({
      simulated: true,
      total: {
        simulated: true,
        simulated_requests: 1,
        unsettled_requests: 1,
        unpriced_requests: 1,
        spent: { usd: '0.000027' },
      },
    });
    const real = await get('/v1/savings?tenant=other&simulated=false', admin);
    expect(real.body).toMatchObject({ simulated: false, total: { requests: 1, spent: { usd: null } } });
  });

  it('takes days as whole days and moments as they are', async () => {
    const { body } = await get(`/v1/savings?from=${today}&to=${today}`, acme);
    expect(body.from).toBe(`${today}T00:00:00.000Z`);
    expect(Date.parse(body.to) - Date.parse(body.from)).toBe(DAY_MS);
    expect(body.total.requests).toBe(7);
    const past = await get('/v1/savings?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z', acme);
    expect(past.body).toMatchObject({ to: '2020-01-02T00:00:00.000Z', total: { requests: 0 } });
  });

  it('leaves groups beyond the limit to the total', async () => {
    const { body } = await get('/v1/savings?limit=1', acme);
    expect(body).toMatchObject({ groups: [{ key: 'gpt-4o-mini' }], groups_left_out: 1, total: { requests: 7 } });
  });

  it('orders groups by their requests of both sides, and has requests that named none as one of them', async () => {
    const all = (await get('/v1/savings?group_by=campaign', acme)).body;
    const requests = all.groups.map((group) => group.requests);
    expect(requests).toEqual(requests.toSorted((one, other) => other - one));
    expect(all.groups.filter(({ key }) => key === null)).toHaveLength(1);
    expect(requests.reduce((sum, one) => sum + one, 0)).toBe(all.total.requests);
    for (const limit of all.groups.keys()) {
      const { body } = await get(`/v1/savings?group_by=campaign&limit=${limit + 1}`, acme);
      expect(body.groups).toEqual(all.groups.slice(0, limit + 1));
      expect(body.total).toEqual(all.total);
    }
  });

  it.each([
    'group_by=colour',
    'from=yesterday',
    'from=2026-02-30',
    'from=2026-01-01T00:00:00',
    'from=2026-02-01&to=2026-01-01',
    'limit=0',
    'limit=many',
    'simulated=perhaps',
    'unknown=1',
  ])('refuses %s', async (query) => {
    expect((await get(`/v1/savings?${query}`, acme)).status).toBe(400);
  });

  it('shows the prices that it counts with', async () => {
    const { body } = await get('/v1/prices?provider=openai&model=o3', acme);
    expect(body).toMatchObject({
      prices: [
        {
          model: 'o3',
          effective_from: '2025-06-10',
          usd_per_million_tokens: { input: '2', cached_input: '0.5', output: '8' },
        },
        { model: 'o3', effective_from: '2025-04-16' },
      ],
      sources: [{ provider: 'openai' }, { provider: 'anthropic' }],
    });
  });
});

describe('shutdown', () => {
  it.each(['database first', 'ledger first'] as const)(
    'writes everything before the database closes (%s)',
    async (order) => {
      const database = await createDatabase();
      const app = await start(database.url, order);
      const intent = await app.get(Ledger).begin(sampleCall());
      intent.settle(sampleOutcome());
      for (let hit = 0; hit < 1_000; hit += 1) app.get(Ledger).reused(sampleHit());
      const { processId } = app.get(DurableLedger);
      await app.close();

      const client = new Client({ connectionString: database.url });
      await client.connect();
      const { rows } = await client.query(
        `select (select sum(hits) from ledger_reuse where process_id = $1) as hits,
         (select status from ledger_calls where process_id = $1) as status,
         (select clean_shutdown_at is not null and hits_written = hits_reserved from ledger_processes where id = $1) as clean`,
        [processId],
      );
      await client.end();
      await database.drop();
      expect(rows).toEqual([{ hits: '1000', status: 'completed', clean: true }]);
    },
  );
});

interface Amount {
  usd: string | null;
  input_tokens: number | null;
  output_tokens: number | null;
  unpriced_requests: number;
}

interface Total {
  requests: number;
  hits: number;
  spent: Amount;
  avoided: Amount;
}

interface Body {
  from: string;
  to: string;
  groups: (Total & { key: string | null })[];
  total: Total;
}
