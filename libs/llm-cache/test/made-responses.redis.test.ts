/** `/v1/responses/{id}` with the official SDK: as straight from the provider for those who had it made, and nothing for others. */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import OpenAI, { APIError, BadRequestError, NotFoundError } from 'openai';
import type { CachePolicy } from '../src/index.js';
import { GatewayProcess } from './gateway-process.js';
import { RawProvider, type ProviderCall } from './raw-provider.js';

const POLICIES: CachePolicy[] = [{ name: 'apart', match: { model: 'apart' }, mode: 'all', share: 'key' }];
const kept = new Map<string, object>();
let made = 0;
let redis: TestRedis;
let provider: RawProvider;
let gateway: GatewayProcess;
let direct: OpenAI;

const STREAM = ['response.created', 'response.completed'];

/** Keeps what it was asked for, for whoever knows the id. */
function answer({ method, url, body }: ProviderCall): { status?: number; body: object } | string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, , , id = '', below] = pathname.split('/');
  if (method === 'POST' && id === '') {
    const { model, background = false } = JSON.parse(body) as { model: string; background?: boolean };
    const response = {
      id: `resp_${(made += 1)}`,
      object: 'response',
      created_at: 7,
      status: background ? 'queued' : 'completed',
      model,
      output: background
        ? []
        : [{ type: 'message', id: `msg_${made}`, status: 'completed', role: 'assistant', content: [] }],
      usage: background ? null : { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
    };
    kept.set(response.id, response);
    return { body: response };
  }
  const response = kept.get(id);
  if (response === undefined)
    return { status: 404, body: { error: { message: 'gone', type: 'invalid_request_error' } } };
  if (method === 'DELETE') {
    kept.delete(id);
    return { body: { id, object: 'response', deleted: true } };
  }
  if (below === 'cancel') return { body: { ...response, status: 'cancelled' } };
  if (below === 'input_items') {
    const asked = searchParams.toString();
    return { body: { object: 'list', data: [{ id: asked }], first_id: 'a', last_id: 'a', has_more: false } };
  }
  if (searchParams.get('stream') === 'true') {
    const event = (type: string, at: number): string =>
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: at, response })}\n\n`;
    return STREAM.map(event).join('');
  }
  return { body: { ...response, asked: searchParams.toString() } };
}

beforeAll(async () => {
  provider = await RawProvider.start((call, response) => {
    const answered = answer(call);
    if (typeof answered === 'string') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(answered);
      return;
    }
    response.writeHead(answered.status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answered.body));
  });
  redis = await startRedis();
  const options = { redisUrl: redis.url, providerUrl: provider.baseUrl, policies: POLICIES };
  gateway = await (await GatewayProcess.start(options)).redisUp();
  direct = new OpenAI({ baseURL: provider.baseUrl, apiKey: 'k', maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  await provider.stop();
});
beforeEach(() => {
  provider.calls.length = 0;
});

const clientOf = (tenant: string, key = 'k1'): OpenAI =>
  new OpenAI({
    baseURL: `${gateway.url}/v1`,
    apiKey: key,
    maxRetries: 0,
    defaultHeaders: { 'x-test-tenant': tenant },
  });
const asked = (more: object = {}) => ({ model: 'gpt-4o', input: `question ${(made += 1)}`, ...more });

describe('the official SDK', () => {
  it('reads, lists the input of, cancels and deletes what its tenant had made, as straight from the provider', async () => {
    const acme = clientOf('acme');
    const { id } = await acme.responses.create(asked({ background: true }));
    const include = ['message.output_text.logprobs' as const];
    expect(await acme.responses.retrieve(id, { include })).toEqual(await direct.responses.retrieve(id, { include }));
    const page = { limit: 2, order: 'asc' as const };
    const items = async (client: OpenAI) => (await client.responses.inputItems.list(id, page)).data;
    expect(await items(acme)).toEqual(await items(direct));
    expect(await acme.responses.cancel(id)).toEqual(await direct.responses.cancel(id));
    await acme.responses.delete(id);
    expect(kept.has(id)).toBe(false);
    await expect(acme.responses.retrieve(id)).rejects.toThrow(NotFoundError);
  });

  it('reads it as a stream', async () => {
    const { id } = await clientOf('acme').responses.create(asked());
    const events: string[] = [];
    for await (const { type } of await clientOf('acme').responses.retrieve(id, { stream: true, starting_after: 1 })) {
      events.push(type);
    }
    expect(events).toEqual(STREAM);
    expect(provider.calls.at(-1)?.url).toBe(`/v1/responses/${id}?stream=true&starting_after=1`);
  });

  it('has it from another key of the tenant, and where a policy keeps keys apart from its own alone', async () => {
    const shared = await clientOf('acme', 'k1').responses.create(asked());
    expect(await clientOf('acme', 'k2').responses.retrieve(shared.id)).toMatchObject({ id: shared.id });
    const apart = await clientOf('acme', 'k1').responses.create(asked({ model: 'apart' }));
    expect(await clientOf('acme', 'k1').responses.retrieve(apart.id)).toMatchObject({ id: apart.id });
    await expect(clientOf('acme', 'k2').responses.retrieve(apart.id)).rejects.toThrow(NotFoundError);
  });
});

describe('a response of another tenant', () => {
  it('is as one that there never was, whatever is to be done with it, and the provider is not asked', async () => {
    const { id } = await clientOf('acme').responses.create(asked());
    provider.calls.length = 0;
    const globex = clientOf('globex');
    const told = async (work: Promise<unknown>): Promise<string> => {
      const error: unknown = await work.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(NotFoundError);
      return (error as APIError).message;
    };
    const messages = await Promise.all([
      told(globex.responses.retrieve(id)),
      told(globex.responses.retrieve(id, { stream: true })),
      told(globex.responses.delete(id)),
      told(globex.responses.cancel(id)),
      told(globex.responses.inputItems.list(id)),
      told(globex.responses.retrieve('resp_never')),
    ]);
    expect(new Set(messages.map((message) => message.replace(id, 'X').replace('resp_never', 'X'))).size).toBe(1);
    expect(provider.calls).toEqual([]);
    expect(kept.has(id)).toBe(true);
  });

  it('cannot be continued; one of its own can, and one that was made elsewhere', async () => {
    const { id } = await clientOf('acme').responses.create(asked());
    const elsewhere = await direct.responses.create(asked());
    provider.calls.length = 0;
    const failure: unknown = await clientOf('globex')
      .responses.create(asked({ previous_response_id: id }))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BadRequestError);
    expect(failure).toMatchObject({ code: 'previous_response_not_found', param: 'previous_response_id' });
    expect(provider.calls).toEqual([]);
    await clientOf('acme').responses.create(asked({ previous_response_id: id }));
    await clientOf('globex').responses.create(asked({ previous_response_id: elsewhere.id }));
    expect(provider.calls).toHaveLength(2);
  });

  it.each(['..', '%2e%2e', 'a%2Fb', 'resp_%00', '%2e%2e%2fmodels'])('is not reached by a path: %s', async (id) => {
    const response = await fetch(`${gateway.url}/v1/responses/${id}/input_items`);
    expect(response.status).toBe(404);
    expect(provider.calls).toEqual([]);
  });
});
