/** `POST /v1/messages/count_tokens`: handed on, and its answer handed back. */
import Anthropic from '@anthropic-ai/sdk';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess } from '../gateway-process.js';
import { RawProvider } from '../raw-provider.js';

const BODY = { model: 'claude-x', messages: [{ role: 'user' as const, content: 'How long am I?' }] };

let redis: TestRedis;
let provider: RawProvider;
let gateway: GatewayProcess;
let anthropic: Anthropic;

beforeAll(async () => {
  redis = await startRedis();
  provider = await RawProvider.start(() => undefined);
  gateway = await GatewayProcess.start({
    redisUrl: redis.url,
    providerUrl: provider.baseUrl.replace(/\/v1$/, ''),
    provider: 'anthropic',
  });
  anthropic = new Anthropic({ baseURL: gateway.url, apiKey: 'k1', maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  await provider.stop();
  await redis.kill();
});
beforeEach(() => {
  provider.calls.length = 0;
});

function answers(status: number, body: string, type = 'application/json'): void {
  provider.answers((_, response) => void response.writeHead(status, { 'content-type': type }).end(body));
}

it('is asked each time, with the credential of this server, and books nothing', async () => {
  answers(200, '{"input_tokens":14}');
  for (let time = 0; time < 2; time += 1) {
    expect(await anthropic.messages.countTokens(BODY)).toEqual({ input_tokens: 14 });
  }
  expect(provider.calls).toEqual(
    Array.from({ length: 2 }, () =>
      expect.objectContaining({
        method: 'POST',
        url: '/v1/messages/count_tokens',
        body: JSON.stringify(BODY),
        headers: expect.objectContaining({
          'x-api-key': 'sk-upstream',
          'anthropic-version': expect.any(String) as string,
        }),
      }),
    ),
  );
  expect([gateway.ledger.calls, gateway.ledger.hits]).toEqual([[], []]);
});

it.each(['?beta=true', '?beta=true&more=1', '?more=1&beta=true'])(
  'is asked as beta clients ask with %s',
  async (query) => {
    answers(200, '{"input_tokens":14}');
    await gateway.post(BODY, {}, null, `/v1/messages/count_tokens${query}`);
    expect(provider.calls.map(({ url }) => url)).toEqual(['/v1/messages/count_tokens?beta=true']);
  },
);

it('tells what is wrong in Anthropic’s shape, whoever says so', async () => {
  const failure = () => anthropic.messages.countTokens(BODY).then(String, (error: { error: unknown }) => error.error);
  answers(404, '{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}');
  expect(await failure()).toEqual({ type: 'error', error: { type: 'not_found_error', message: 'model: claude-x' } });
  answers(500, '<html>', 'text/html');
  expect(await failure()).toMatchObject({ type: 'error', error: { type: 'api_error', code: 'upstream_error' } });
  answers(401, '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}');
  expect(await failure()).toMatchObject({ type: 'error', error: { code: 'upstream_unauthorized' } });
  const broken = await gateway.post('{', {}, null, '/v1/messages/count_tokens');
  expect([broken.status, await broken.json()]).toMatchObject([400, { type: 'error', error: { code: 'invalid_json' } }]);
});
