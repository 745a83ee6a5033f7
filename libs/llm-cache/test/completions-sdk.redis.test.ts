/** Text completions with the official SDK against the simulated provider: what it makes of our answers is what it makes of the provider's. */
import { startCountingProxy, startSimulatedProvider } from '@promptsales/simulated-provider';
import OpenAI from 'openai';
import type { GatewayProcess } from './gateway-process.js';
import { SdkPair } from './sdk-pair.js';

let provider: Awaited<ReturnType<typeof startSimulatedProvider>>;
let counted: Awaited<ReturnType<typeof startCountingProxy>>;
let pair: SdkPair;
let gateway: GatewayProcess;
let direct: OpenAI;

beforeAll(async () => {
  provider = await startSimulatedProvider({ betweenChunksMs: 2 });
  counted = await startCountingProxy({ upstream: provider.url });
  pair = await SdkPair.at(`${counted.url}/v1`, provider.openaiBaseUrl);
  ({ gateway, direct } = pair);
});
afterAll(async () => {
  await pair.stop();
  await counted.stop();
  await provider.stop();
});
beforeEach(() => counted.reset());

type Prompt = string | string[] | number[] | number[][];
type Ask = (client: OpenAI, prompt: Prompt) => Promise<unknown>;

const MODEL = 'gpt-3.5-turbo-instruct';
const json: Ask = (client, prompt) => client.completions.create({ model: MODEL, prompt });
const streamWith =
  (options: { stream_options?: { include_usage: boolean } }): Ask =>
  async (client, prompt) => {
    const chunks: OpenAI.Completion[] = [];
    const stream = await client.completions.create({ model: MODEL, prompt, stream: true, ...options });
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  };
const stream = streamWith({});
const streamWithUsage = streamWith({ stream_options: { include_usage: true } });

/** Without what the provider draws anew for each call. */
function comparable(answer: unknown): unknown {
  const text = JSON.stringify(answer)
    .replaceAll(/"id":"cmpl-[^"]*"/g, '"id":"cmpl"')
    .replaceAll(/"created":\d+/g, '"created":0');
  return JSON.parse(text);
}

describe.each([
  ['a text', 'Dear customer, 😀'],
  ['two texts', ['Dear customer', 'Dear friend']],
  ['tokens', [1, 2, 3]],
  ['lists of tokens', [[1, 2], [3]]],
])('trap 14: the official SDK asks to complete %s', (_name, prompt) => {
  it.each([
    ['as JSON', json],
    ['as a stream', stream],
    ['as a stream with usage', streamWithUsage],
  ])('%s, and gets what the provider answers: miss, hit, and hit after every other form', async (how, ask) => {
    const own = comparable(await ask(direct, prompt));
    const scoped = new OpenAI({
      baseURL: `${gateway.url}/v1`,
      apiKey: 'k1',
      maxRetries: 0,
      defaultHeaders: { 'x-cache-namespace': `${how} ${JSON.stringify(prompt).length}` },
    });
    const first = await ask(scoped, prompt);
    expect(comparable(first)).toEqual(own);
    for (const other of [json, stream, streamWithUsage]) {
      expect(comparable(await other(scoped, prompt))).toEqual(comparable(await other(direct, prompt)));
    }
    expect(await ask(scoped, prompt)).toEqual(first);
    expect(counted.counts().requests).toBe(1);
  });
});

it('trap 18: in both forms at once, and all of them share one call', async () => {
  const prompt = 'at once';
  const asked = [json, stream, streamWithUsage, json];
  const answers = await Promise.all(asked.map((ask) => ask(gateway.openai, prompt)));
  expect(counted.counts().requests).toBe(1);
  for (const [at, ask] of asked.entries()) {
    expect(comparable(answers[at])).toEqual(comparable(await ask(direct, prompt)));
  }
});

it('trap 14: gets the same chunks when the answer is replayed at a pace', async () => {
  const first = await streamWithUsage(gateway.openai, 'paced');
  const paced = new OpenAI({
    baseURL: `${gateway.url}/v1`,
    apiKey: 'k1',
    maxRetries: 0,
    defaultHeaders: { 'x-cache-replay': 'speed=100' },
  });
  expect(await streamWithUsage(paced, 'paced')).toEqual(first);
  expect(counted.counts().requests).toBe(1);
});

it('trap 15: does not keep what was cut', async () => {
  const ask = () => gateway.openai.completions.create({ model: MODEL, prompt: 'cut', max_tokens: 5 });
  expect((await ask()).choices[0]).toMatchObject({ finish_reason: 'length' });
  await ask();
  expect(counted.counts().requests).toBe(2);
});

it('trap 20: books the route, and the hit as avoided', async () => {
  const { ledger } = gateway;
  const before = { calls: ledger.calls.length, hits: ledger.hits.length };
  await json(gateway.openai, 'ledger');
  await stream(gateway.openai, 'ledger');
  const usage = ledger.calls.at(-1)?.outcome?.usage;
  expect(usage?.outputTokens).toBe(counted.counts().outputTokens);
  expect(ledger.calls.slice(before.calls)).toMatchObject([{ facts: { route: '/v1/completions', model: MODEL } }]);
  expect(ledger.hits.slice(before.hits)).toMatchObject([{ kind: 'hit', usage }]);
});
