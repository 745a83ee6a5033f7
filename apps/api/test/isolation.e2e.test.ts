/**
 * Trap 17, over every cached route: thousands of requests of many callers at once, on two processes. What one of them was
 * answered is given to another one only where a policy says that they share it.
 */
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import fc from 'fast-check';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
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
const MARK = /mark-(\d+)-/;
const UNDER_WAY = 16;

type Model = keyof typeof SHARES;
type Ask = (model: Model, question: string, stream: boolean) => object;

/** Every route that answers from the cache what a provider has said, and how it is asked. */
const ROUTES: Readonly<Record<string, Ask>> = {
  '/v1/chat/completions': (model, content, stream) => ({ model, messages: [{ role: 'user', content }], stream }),
  '/v1/completions': (model, prompt, stream) => ({ model, prompt, stream }),
  '/v1/responses': (model, input, stream) => ({ model, input, stream }),
  '/v1/messages': (model, content, stream) => ({
    model,
    max_tokens: 50,
    messages: [{ role: 'user', content }],
    stream,
  }),
  '/v1/images/generations': (model, prompt) => ({ model, prompt }),
  '/v1/embeddings': (model, input) => ({ model, input }),
  '/v1/generations': (model, prompt) => ({ model, prompt }),
};

/** What a provider answers at each path: valid there, and marked as nobody else's. */
function answerOf(path: string, { model }: { readonly model: string }, mark: number): object {
  const text = `mark-${mark}-`;
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  if (path.endsWith('/messages')) {
    const content = [{ type: 'text', text }];
    const counts = { input_tokens: 1, output_tokens: 1 };
    return {
      id: text,
      type: 'message',
      role: 'assistant',
      model,
      content,
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: counts,
    };
  }
  if (path.endsWith('/models'))
    return { object: 'list', data: [{ id: text, object: 'model', created: 1, owned_by: 'x' }] };
  if (path.endsWith('/embeddings')) {
    return { object: 'list', model, data: [{ object: 'embedding', index: 0, embedding: [mark, 0.5] }], usage };
  }
  if (path.endsWith('/images/generations')) return { created: 1, data: [{ url: `https://images.example/${text}` }] };
  if (path.endsWith('/responses')) {
    const content = [{ type: 'output_text', text, annotations: [] }];
    const output = [{ type: 'message', id: `msg_${mark}`, status: 'completed', role: 'assistant', content }];
    const counts = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    return {
      id: `resp_${mark}`,
      object: 'response',
      created_at: 1,
      status: 'completed',
      error: null,
      incomplete_details: null,
      model,
      output,
      usage: counts,
    };
  }
  if (path.endsWith('/chat/completions')) {
    const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
    return { id: text, object: 'chat.completion', created: 1, model, choices, usage };
  }
  return {
    id: text,
    object: 'text_completion',
    created: 1,
    model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: 'stop' }],
    usage,
  };
}

describe('callers of many tenants', () => {
  let provider: Server;
  let redis: TestRedis;
  let database: TestDatabase;
  let apis: readonly TestApi[];
  let callers: Caller[];
  let marks = 0;

  beforeAll(async () => {
    provider = createServer((asked, response) => {
      const chunks: Buffer[] = [];
      asked.on('data', (chunk: Buffer) => chunks.push(chunk));
      asked.on('end', () => {
        marks += 1;
        const body =
          chunks.length === 0 ? { model: '' } : (JSON.parse(Buffer.concat(chunks).toString()) as { model: string });
        const path = String(asked.url).split('?', 1)[0] as string;
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(answerOf(path, body, marks)));
      });
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
    redis = await startRedis();
    database = await createDatabase();
    const places = {
      REDIS_URL: redis.url,
      DATABASE_URL: database.url,
      OPENAI_BASE_URL: `${address}/v1`,
      ANTHROPIC_BASE_URL: address,
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
    const known = { match: { model: 'm-all' }, mode: 'all', share: 'all' };
    // Whoever knows of the last one knows of those before it.
    await request(api.server).put('/v1/llm/policies/m-all').set(api.admin).send(known).expect(200);
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(apis.map((api) => api.close()));
    await new Promise((resolve) => {
      provider.close(resolve);
      provider.closeAllConnections();
    });
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
      const mark = MARK.exec(response.text)?.[1] ?? /"embedding":\[(\d+),/.exec(response.text)?.[1];
      if (mark === undefined) throw new Error(`an answer of ${route} without a mark: ${response.text}`);
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
