/** Texts from prompts over HTTP, on a real Redis: made once, by the gateway, and kept for their own readers too. */
import { LLMock } from '@copilotkit/aimock';
import { CacheAside, keyspace, type CacheOutcome } from '@promptsales/cache-core';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { Generations, type GenerationReply } from '../src/generations/generations.js';
import { publishedPrices } from '../src/prices/published-prices.js';
import { PolicyTable } from '../src/request/policy.js';
import { GatewayProcess } from './gateway-process.js';

const mock = new LLMock({ port: 0 });
const usage = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 };
let redis: TestRedis;
let gateway: GatewayProcess;
let other: GatewayProcess;
let client: Redis;
/** Keys of other tests. */
let known: ReadonlySet<string>;

beforeAll(async () => {
  mock.onMessage(/^cut/, { content: 'Once upon', finishReason: 'length', usage });
  mock.onMessage(/^refuse/, { error: { message: 'that is not allowed', type: 'invalid_request_error' }, status: 400 });
  mock.onMessage(/^break/, { error: { message: 'out of order', type: 'server_error' }, status: 500 });
  mock.onMessage(/./, { content: 'A slogan.', usage });
  await mock.start();
  redis = await startRedis();
  const start = async () =>
    (
      await GatewayProcess.start({ redisUrl: redis.url, providerUrl: `${mock.url}/v1`, prices: publishedPrices() })
    ).redisUp();
  [gateway, other] = await Promise.all([start(), start()]);
  client = new Redis(redis.url, { db: 1 });
});
afterAll(async () => {
  client.disconnect();
  await Promise.all([gateway.stop(), other.stop()]);
  await mock.stop();
});
beforeEach(async () => {
  mock.clearRequests();
  known = new Set(await client.keys('ai:generation:*'));
  gateway.ledger.calls.length = 0;
  gateway.ledger.hits.length = 0;
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function generate(body: unknown, headers: Record<string, string> = {}, to = gateway): Promise<Answer> {
  const response = await fetch(`${to.url}/v1/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k1', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

const asking = (prompt: string, params?: object) => ({ model: 'gpt-4o-mini', prompt, ...(params && { params }) });
const cacheOf = ({ headers }: Answer) => headers.get('x-cache');

it('is made once, told with what it took, and kept for its readers', async () => {
  const first = await generate(asking('one'));
  expect(first.status).toBe(200);
  expect(first.body).toEqual({
    content: 'A slogan.',
    tokens_used: 1100,
    // 1000 × 0.15 and 100 × 0.60 USD for a million.
    cost_usd: 0.00021,
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    cached: false,
  });
  expect(cacheOf(first)).toBe('MISS');
  const again = await generate(asking('one'));
  expect(again.body).toEqual({ ...first.body, cached: true });
  expect([cacheOf(again), again.headers.get('age')]).toEqual(['HIT', expect.stringMatching(/^\d+$/)]);
  expect((await generate(asking('one'), {}, other)).body).toEqual(again.body);
  expect(mock.getRequests()).toHaveLength(1);

  const [key] = await client.keys('ai:generation:gpt-4o-mini:*');
  const { cached: _cached, ...kept } = first.body;
  expect(JSON.parse((await client.get(key as string)) as string)).toEqual(kept);
  expect(await client.ttl(key as string)).toBeGreaterThan((keyspace.aiGeneration.ttlSeconds as number) - 60);
});

it('is one with the chat completion that says the same', async () => {
  await gateway.openai.chat.completions.create({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'chat first' }],
  });
  const found = await generate(asking('chat first'));
  expect([cacheOf(found), found.body['cached']]).toEqual(['HIT', true]);
  expect(mock.getRequests()).toHaveLength(1);
});

it('trap 18: is made once however many want it at once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_none, at) => generate(asking('at once'), {}, at % 2 === 0 ? gateway : other)),
  );
  expect(mock.getRequests()).toHaveLength(1);
  expect(new Set(answers.map(({ body }) => body['content']))).toEqual(new Set(['A slogan.']));
  expect(answers.filter(({ body }) => body['cached'] === false)).toHaveLength(1);
  expect(answers.filter((answer) => cacheOf(answer) === 'MISS')).toHaveLength(1);
});

it('trap 13: is another for other parameters, models, namespaces and tenants', async () => {
  for (const [body, headers] of [
    [asking('which'), {}],
    [asking('which', { temperature: 0 }), {}],
    [asking('which', { max_tokens: 5 }), {}],
    [{ ...asking('which'), model: 'gpt-4o' }, {}],
    [asking('which'), { 'x-cache-namespace': 'n' }],
    [asking('which'), { 'x-test-tenant': 'other' }],
  ] as const) {
    expect(cacheOf(await generate(body, headers))).toBe('MISS');
    expect(cacheOf(await generate(body, headers))).toBe('HIT');
  }
});

it('trap 15: is not kept when it was cut off', async () => {
  for (const outcome of ['MISS', 'MISS']) {
    const answer = await generate(asking('cut it short'));
    expect([answer.body['content'], cacheOf(answer)]).toEqual(['Once upon', outcome]);
  }
});

it('trap 20: is spent once, and avoided from then on', async () => {
  await generate(asking('ledger'));
  await generate(asking('ledger'));
  const { calls, hits } = gateway.ledger;
  expect(calls).toEqual([
    expect.objectContaining({ facts: expect.objectContaining({ route: '/v1/generations', model: 'gpt-4o-mini' }) }),
  ]);
  expect(hits).toEqual([
    expect.objectContaining({ route: '/v1/generations', kind: 'hit', usage: calls[0]?.outcome?.usage }),
  ]);
});

it('trap 20: has no cost where it was to be searched for, as in the ledger', async () => {
  const answer = await generate(asking('searched', { web_search_options: {} }));
  expect(answer.body).toMatchObject({ content: 'A slogan.', tokens_used: 1100, cost_usd: null });
  expect(gateway.ledger.calls).toMatchObject([{ outcome: { usage: { billedBeside: true } } }]);
});

it('heeds what a request says of the cache', async () => {
  await generate(asking('controls'));
  expect(cacheOf(await generate(asking('controls'), { 'cache-control': 'no-cache' }))).toBe('REFRESH');
  expect(cacheOf(await generate(asking('controls'), { 'cache-control': 'no-store' }))).toBe('BYPASS');
  expect(cacheOf(await generate(asking('controls'), { 'cache-control': 'only-if-cached' }))).toBe('HIT');
  const missing = await generate(asking('never asked'), { 'cache-control': 'only-if-cached' });
  expect([missing.status, missing.body['code']]).toEqual([504, 'not_in_cache']);
  expect((await generate(asking('controls'), { 'cache-control': 'max-age=soon' })).status).toBe(400);
});

describe('made of a chat that was there', () => {
  const CLOCKS_APART_SECONDS = 10;
  const outcomes: CacheOutcome[] = [];
  const chat = Buffer.from(
    JSON.stringify({ choices: [{ index: 0, message: { content: 'Old.' }, finish_reason: 'stop' }] }),
  );
  const retelling = () =>
    new Generations({
      gateway: {
        answer: () => {
          const outcome = outcomes.shift() ?? 'HIT';
          return { status: 200, headers: { 'x-cache': outcome, age: '300' }, body: chat, outcome, upstreamMs: null };
        },
      },
      cache: gateway.cache,
      aside: new CacheAside(gateway.cache, gateway.roles),
      ledger: gateway.ledger,
      upstreams: { targetFor: () => gateway.target },
      policies: new PolicyTable([]),
      prices: publishedPrices(),
    });
  const caller = {
    tenant: 'acme',
    keyId: 'k1',
    client: 'test',
    userId: null,
    clienteId: null,
    campanaId: null,
    segmento: null,
  };
  const told = async (prompt: string, control?: string): Promise<GenerationReply> => {
    const headers = control === undefined ? {} : { 'cache-control': control };
    const request = { model: 'gpt-4o-mini', prompt, params: {} };
    return retelling().generate(request, { headers, caller, requestId: 'r', whenLeft: () => undefined });
  };

  it('is as old as that, however young its entry, and made anew where that is too old', async () => {
    await told('age');
    const again = await told('age');
    expect([again.cached, again.headers['x-cache']]).toEqual([true, 'HIT']);
    // When it was made is told by the gateway's clock, when it was read by Redis's: they need not agree to the second.
    expect(Number(again.headers['age'])).toBeGreaterThan(300 - CLOCKS_APART_SECONDS);
    for (const control of ['max-age=60', 'max-age=60, stale-while-revalidate=600', 'max-age=60, only-if-cached']) {
      outcomes.push('REFRESH');
      expect((await told('age', control)).headers['x-cache']).toBe('REFRESH');
    }
  });

  it.each<CacheOutcome>(['SEMANTIC', 'STALE'])('is cached, and not to be kept when that was %s', async (outcome) => {
    outcomes.push(outcome, outcome);
    for (let time = 0; time < 2; time += 1) {
      expect(await told(outcome)).toMatchObject({ cached: true, headers: { 'x-cache': outcome } });
    }
  });
});

it('is kept no longer than the policy says, be it told again', async () => {
  const brief = await GatewayProcess.start({
    redisUrl: redis.url,
    providerUrl: `${mock.url}/v1`,
    policies: [{ name: 'brief', match: {}, mode: 'all', share: 'tenant', ttlSeconds: 90 }],
  });
  await brief.redisUp();
  try {
    await generate(asking('brief'), {}, brief);
    const keys = await client.keys('ai:generation:gpt-4o-mini:*');
    const key = keys.find((one) => !known.has(one)) ?? '';
    expect(await client.ttl(key)).toBeLessThanOrEqual(90);
    // What is left of the chat's time is not the generation's to prolong.
    await client.del(key);
    expect(cacheOf(await generate(asking('brief'), { 'cache-control': 'max-age=80' }, brief))).toBe('HIT');
    expect(await client.exists(key)).toBe(0);
  } finally {
    await brief.stop();
  }
});

it('passes on what the provider says against it', async () => {
  const refused = await generate(asking('refuse me'));
  expect([refused.status, refused.body['code'], refused.body['detail']]).toEqual([
    400,
    'upstream_refused',
    'The provider refused (400): that is not allowed',
  ]);
  expect((await generate(asking('break down'))).status).toBe(502);
});

it.each<[unknown, string[]]>([
  [{}, ['model', 'prompt']],
  [{ model: '', prompt: 7 }, ['model', 'prompt']],
  [{ ...asking('x'), params: [] }, ['params']],
  [{ ...asking('x'), params: { stream: true, model: 'm' } }, ['params.model', 'params.stream']],
  [{ ...asking('x'), temperature: 1 }, ['temperature']],
  // Readers of JSON would take it, and the next one, for one number.
  [asking('x', { seed: 2 ** 53, deep: [{ a: 1, b: -(2 ** 60) }] }), ['params.seed', 'params.deep.0.b']],
  [[], ['body']],
])('refuses %j, and names each member', async (body, paths) => {
  const answer = await generate(body);
  expect([answer.status, answer.body['code']]).toEqual([400, 'validation_failed']);
  expect((answer.body['errors'] as { path: string }[]).map(({ path }) => path)).toEqual(paths);
});
