/**
 * Trap 17, over every cached route: thousands of requests of many callers at once, on two processes. What one of them was
 * answered is given to another one only where a policy says that they share it.
 */
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import fc from 'fast-check';
import { setTimeout as pause } from 'node:timers/promises';
import request from 'supertest';
import { markIn, ROUTES, startMarkedProvider, type MarkedProvider } from './marked-provider.js';
import { testApi, type TestApi } from './test-api.js';

type Headers = Record<string, string>;

interface Caller {
  readonly tenant: string;
  readonly key: string;
  readonly headers: Headers;
}

const TENANTS = ['acme', 'globex', 'initech'] as const;
const SCOPES = ['llm', 'cache', 'records'];
const SHARES = { 'm-tenant': 'tenant', 'm-key': 'key', 'm-all': 'all' } as const;
const QUESTIONS = ['first question', 'second question'] as const;
const UNDER_WAY = 16;

type Model = keyof typeof SHARES;

describe('callers of many tenants', () => {
  let provider: MarkedProvider;
  let redis: TestRedis;
  let database: TestDatabase;
  let apis: readonly TestApi[];
  let callers: Caller[];

  beforeAll(async () => {
    provider = await startMarkedProvider();
    redis = await startRedis();
    database = await createDatabase();
    const places = {
      REDIS_URL: redis.url,
      DATABASE_URL: database.url,
      OPENAI_BASE_URL: `${provider.url}/v1`,
      ANTHROPIC_BASE_URL: provider.url,
    };
    apis = [await testApi(places), await testApi(places)];
    const [api] = apis as [TestApi];
    callers = [];
    for (const tenant of TENANTS) {
      for (const key of ['one', 'two']) callers.push({ tenant, key, headers: await api.keyOf(tenant, SCOPES) });
    }
    for (const [model, share] of Object.entries(SHARES)) {
      const policy = { match: { model }, mode: 'all', share };
      await request(api.server).put(`/v1/llm/policies/${model}`).set(api.admin).send(policy).expect(201);
    }
    // The other process looks for policies on its own; who knows of the last one knows of those before it.
    const off = { match: { model: 'm-none' }, mode: 'off' };
    await request(api.server).put('/v1/llm/policies/last').set(api.admin).send(off).expect(201);
    for (const { server } of apis) {
      const ask = () =>
        request(server)
          .post('/v1/chat/completions')
          .set(callers[0]?.headers ?? {});
      const body = { model: 'm-none', messages: [{ role: 'user', content: 'x' }] };
      while ((await ask().send(body).expect(200)).headers['x-cache'] !== 'BYPASS') await pause(20);
    }
  });

  afterAll(async () => {
    await Promise.all(apis.map((api) => api.close()));
    await provider.stop();
    await redis.stop();
    await database.drop();
  });

  /** Work on all of them, so many at a time. */
  async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
    const rest = all.values();
    await Promise.all(
      Array.from({ length: UNDER_WAY }, async () => {
        for (const one of rest) await work(one);
      }),
    );
  }

  it('trap 17: are given what somebody else was answered exactly where they share it', async () => {
    const asking = fc.record({
      route: fc.constantFrom(...Object.keys(ROUTES), 'GET /v1/models'),
      caller: fc.constantFrom(...callers),
      api: fc.constantFrom(...apis),
      model: fc.constantFrom(...(Object.keys(SHARES) as Model[])),
      question: fc.constantFrom(...QUESTIONS),
      namespace: fc.constantFrom('', 'n'),
      stream: fc.boolean(),
      accept: fc.constantFrom('anything', 'no-cache', 'only-if-cached'),
    });
    const marked = new Map<string, { readonly domains: Set<string>; readonly readers: Set<string> }>();
    const outcomes = new Map<string, Map<string, number>>();

    await each(fc.sample(asking, { numRuns: 3000, seed: 17 }), async (one) => {
      const { route, caller, api, model, question, namespace, stream } = one;
      const headers: Headers = { ...caller.headers, ...(namespace === '' ? {} : { 'x-cache-namespace': namespace }) };
      // One in nine asks for a new answer or for a stored one only.
      if (one.accept !== 'anything' && question === QUESTIONS[1] && stream) headers['cache-control'] = one.accept;
      if (route === '/v1/messages') headers['anthropic-version'] = '2023-06-01';
      const ask = ROUTES[route];
      const response =
        ask === undefined
          ? await request(api.server).get('/v1/models').set(headers)
          : await request(api.server)
              .post(route)
              .set(headers)
              .send(ask(model, question, stream));
      if (response.status === 504) return;
      expect({ route, status: response.status, text: response.status === 200 ? '' : response.text }).toEqual({
        route,
        status: 200,
        text: '',
      });
      const mark = markIn(response.text);
      const share = ask === undefined ? 'tenant' : SHARES[model];
      const within = { tenant: caller.tenant, key: `${caller.tenant} ${caller.key}`, all: '' }[share];
      const asked = ask === undefined ? '' : `${model} ${question}`;
      // A generation is kept under the chat completion that it asks for.
      const path = route === '/v1/generations' ? '/v1/chat/completions' : route;
      const seen = marked.get(mark) ?? { domains: new Set<string>(), readers: new Set<string>() };
      marked.set(mark, seen);
      seen.domains.add([path, asked, namespace, share, within].join('|'));
      seen.readers.add(`${caller.tenant} ${caller.key}`);
      const counts = outcomes.get(route) ?? new Map<string, number>();
      outcomes.set(route, counts);
      const outcome = response.headers['x-cache'] ?? 'none';
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    });

    const crossed = [...marked].filter(([, { domains }]) => domains.size !== 1);
    expect(crossed.map(([mark, { domains }]) => [mark, [...domains]])).toEqual([]);
    // That it is not so for want of sharing.
    const readersOf = (share: string): number =>
      Math.max(
        ...[...marked.values()]
          .filter(({ domains }) => [...domains].some((one) => one.includes(`|${share}|`)))
          .map(({ readers }) => readers.size),
      );
    expect([readersOf('key'), readersOf('tenant'), readersOf('all')]).toEqual([1, 2, callers.length]);
    for (const [route, counts] of outcomes) {
      if (route !== '/v1/generations') expect([route, (counts.get('HIT') ?? 0) > 0]).toEqual([route, true]);
    }
  }, 300_000);

  it('trap 7: read and write under one name, each his tenant’s own', async () => {
    const [api] = apis as [TestApi];
    const leads = new Map<string, string>();
    const put = (path: string, body: object, headers: Headers) => request(api.server).put(path).set(headers).send(body);
    const post = (path: string, body: object, headers: Headers) =>
      request(api.server).post(path).set(headers).send(body);
    for (const { tenant, headers } of callers) {
      const secret = `secret of ${tenant}`;
      await put('/v1/cache/app:shared-name', { secret }, headers).expect((answer) =>
        expect(answer.status).toBeLessThan(300),
      );
      await post('/api/configurations/smtp', { type: 'system', value: { host: secret } }, headers);
      await post('/api/providers/mine', { user: secret }, headers);
      const limits = { tools_acceso: [secret], rate_limit: '5/minuto', max_requests_hora: 1, estado: 'activo' };
      await put('/v1/clients/crm/config', limits, headers);
      const lead = await post('/leads', { empresa: secret, contacto: 'a', estado: 'nuevo' }, headers).expect(201);
      leads.set((lead.body as { id: string }).id, tenant);
    }
    const NAMED = [
      '/v1/cache/app:shared-name',
      '/api/configurations/smtp',
      '/api/providers/mine',
      '/v1/clients/crm/config',
    ];
    const reading = fc.record({
      path: fc.constantFrom(...NAMED, ...[...leads.keys()].map((id) => `/leads/${id}`)),
      caller: fc.constantFrom(...callers),
      api: fc.constantFrom(...apis),
    });
    await each(fc.sample(reading, { numRuns: 1500, seed: 7 }), async ({ path, caller, api: on }) => {
      const { status, text } = await request(on.server).get(path).set(caller.headers);
      const owner = leads.get(path.replace('/leads/', ''));
      const mine = owner === undefined || owner === caller.tenant;
      expect({ path, status }).toEqual({ path, status: mine ? 200 : 404 });
      expect(text.includes(`secret of ${caller.tenant}`)).toBe(mine);
      for (const tenant of TENANTS) if (tenant !== caller.tenant) expect(text).not.toContain(`secret of ${tenant}`);
    });
  }, 300_000);
});
