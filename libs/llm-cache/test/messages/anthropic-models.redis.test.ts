/** `GET /v1/models` for Anthropic's SDK: equal to what it gets straight from the upstream, kept as OpenAI's list is. */
import Anthropic, { NotFoundError, RateLimitError } from '@anthropic-ai/sdk';
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess } from '../gateway-process.js';
import { RawProvider } from '../raw-provider.js';

const IDS = ['claude-a', 'claude-b', 'claude-c'];
let redis: TestRedis;
let provider: RawProvider;
let gateway: GatewayProcess;
let direct: Anthropic;
let ours: Anthropic;

const infoOf = (id: string) => ({
  type: 'model',
  id,
  display_name: `Claude ${id}`,
  created_at: '2026-01-01T00:00:00Z',
});

/** As Anthropic answers, and elsewhere as OpenAI does. */
function answer(url: string): { status: number; body: object } {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, , , id] = pathname.split('/');
  if (pathname === '/models') return { status: 200, body: { object: 'list', data: [{ id: 'gpt', object: 'model' }] } };
  if (id === 'claude-slow')
    return { status: 429, body: { type: 'error', error: { type: 'rate_limit_error', message: 'x' } } };
  if (id !== undefined && !IDS.includes(id)) {
    return { status: 404, body: { type: 'error', error: { type: 'not_found_error', message: `model: ${id}` } } };
  }
  if (id !== undefined) return { status: 200, body: infoOf(id) };
  const from = IDS.indexOf(searchParams.get('after_id') ?? '') + 1;
  const data = IDS.slice(from, from + Number(searchParams.get('limit') ?? 20)).map(infoOf);
  const has_more = data.at(-1)?.id !== IDS.at(-1);
  return { status: 200, body: { data, has_more, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null } };
}

beforeAll(async () => {
  provider = await RawProvider.start(({ url }, response) => {
    const { status, body } = answer(url);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const providerUrl = provider.baseUrl.replace(/\/v1$/, '');
  redis = await startRedis();
  gateway = await (await GatewayProcess.start({ redisUrl: redis.url, providerUrl, provider: 'anthropic' })).redisUp();
  direct = new Anthropic({ baseURL: providerUrl, apiKey: 'k', maxRetries: 0 });
  ours = new Anthropic({ baseURL: gateway.url, apiKey: 'k1', maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  await provider.stop();
});
beforeEach(() => {
  provider.calls.length = 0;
});

async function all(client: Anthropic, limit: number): Promise<ModelInfo[]> {
  const found: ModelInfo[] = [];
  for await (const model of client.models.list({ limit })) found.push(model);
  return found;
}

describe('the official SDK', () => {
  it('gets the provider’s own list, page by page, and the second time from the cache', async () => {
    const own = await all(direct, 2);
    expect(own.map(({ id }) => id)).toEqual(IDS);
    provider.calls.length = 0;
    expect(await all(ours, 2)).toEqual(own);
    expect(await all(ours, 2)).toEqual(own);
    expect(provider.calls.map(({ url }) => url)).toEqual([
      '/v1/models?limit=2',
      '/v1/models?after_id=claude-b&limit=2',
    ]);
    expect(provider.calls[0]?.headers).toMatchObject({
      'x-api-key': 'sk-upstream',
      'anthropic-version': expect.any(String),
    });
    expect(provider.calls[0]?.headers).not.toHaveProperty('authorization');
  });

  it('gets one model, also by way of beta, which asks the same unless it names a beta', async () => {
    for (const client of [ours, ours]) {
      expect(await client.models.retrieve('claude-b')).toEqual(infoOf('claude-b'));
      expect(await client.beta.models.retrieve('claude-b')).toEqual(infoOf('claude-b'));
    }
    expect(provider.calls).toHaveLength(1);
    await ours.beta.models.retrieve('claude-b', { betas: ['message-batches-2024-09-24'] });
    expect(provider.calls.map(({ url, headers }) => [url, headers['anthropic-beta']])).toEqual([
      ['/v1/models/claude-b', undefined],
      ['/v1/models/claude-b', 'message-batches-2024-09-24'],
    ]);
  });

  it('gets the provider’s refusals as the SDK’s own errors, and ours in the same shape', async () => {
    await expect(ours.models.retrieve('claude-none')).rejects.toThrow(NotFoundError);
    await expect(ours.models.retrieve('claude-slow')).rejects.toThrow(RateLimitError);
    await expect(ours.models.retrieve('..\\admin')).rejects.toMatchObject({
      status: 400,
      error: { type: 'error', error: { type: 'invalid_request_error' } },
    });
    const twice = await fetch(`${gateway.url}/v1/models?limit=1&limit=2`, {
      headers: { 'anthropic-version': '2023-06-01' },
    });
    expect([twice.status, await twice.json()]).toMatchObject([400, { type: 'error' }]);
  });
});

it('answers others, and our own key in x-api-key, as OpenAI does', async () => {
  for (const headers of [{}, { 'x-api-key': 'k1' }]) {
    const response = await fetch(`${gateway.url}/v1/models?limit=2`, { headers });
    expect(await response.json()).toMatchObject({ object: 'list', data: [{ id: 'gpt' }] });
  }
  expect(provider.calls.map(({ url }) => url)).toEqual(['/models']);
});
