/** What lies in Redis of an answer, and which of its forms can be served from it. */
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { GatewayProcess } from './gateway-process.js';
import { DONE, HELLO, ROLE, say, STOP, StreamProvider, withoutUsage } from './stream-provider.js';

const LLM_DATABASE = 1;
const COMPLETION = {
  id: 'chatcmpl-9',
  object: 'chat.completion',
  created: 9,
  model: 'gpt-4o-2024',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Two words', refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};

let redis: TestRedis;
let raw: Redis;
let provider: StreamProvider;
let gateway: GatewayProcess;
let questions = 0;

beforeAll(async () => {
  redis = await startRedis();
  raw = new Redis(redis.url, { db: LLM_DATABASE });
  provider = await StreamProvider.start();
  gateway = await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl });
  await gateway.redisUp();
});
afterAll(async () => {
  raw.disconnect();
  await gateway.stop();
  await provider.stop();
});
beforeEach(async () => {
  provider.reset();
  await raw.flushdb();
});

function question(more: object = {}): Record<string, unknown> {
  questions += 1;
  return { model: 'gpt-4o', messages: [{ role: 'user', content: `question ${questions}` }], ...more };
}

const WITH_USAGE = { stream: true, stream_options: { include_usage: true } };

async function recorded(stream = HELLO): Promise<Record<string, unknown>> {
  const body = question();
  const asked = gateway.post(body);
  (await provider.next()).end(stream);
  await (await asked).text();
  return body;
}

async function answeredAsJson(completion: object): Promise<Record<string, unknown>> {
  const body = question();
  const asked = gateway.post(body);
  (await provider.next()).json(200, completion);
  expect(await (await asked).json()).toEqual(completion);
  return body;
}

async function theKey(label: string): Promise<string> {
  const [key = '', ...more] = await raw.keys(`${label}:*`);
  expect([key === '', more]).toEqual([false, []]);
  return key;
}

/** What a reader gets who takes nothing but what is stored; null where that is no stream. */
async function stored(body: object): Promise<string | null> {
  const answer = await gateway.post(body, { 'cache-control': 'only-if-cached' });
  const text = await answer.text();
  return answer.status === 200 ? text : null;
}

describe('an answer that came as JSON', () => {
  it('is stored once, and streamed from what is stored', async () => {
    const body = await answeredAsJson(COMPLETION);
    expect(await raw.keys('frames:*')).toEqual([]);
    const plain = (await stored({ ...body, stream: true })) ?? '';
    const withUsage = (await stored({ ...body, ...WITH_USAGE })) ?? '';
    expect(
      plain
        .split('\n\n')
        .map((event) => /"content":"([^"]+)"/.exec(event)?.[1] ?? '')
        .join(''),
    ).toBe('Two words');
    expect(plain.endsWith(DONE)).toBe(true);
    expect([plain, withUsage].map((text) => text.includes('"total_tokens":5'))).toEqual([false, true]);
    // The very events that whoever asked for a stream first was sent.
    const asked = gateway.post({ ...question(), ...WITH_USAGE });
    (await provider.next()).json(200, COMPLETION);
    expect(await (await asked).text()).toBe(withUsage);
    expect(provider.calls).toBe(2);
  });

  it('of which no stream can be made is asked for anew by whoever wants one, and stays as JSON', async () => {
    const [choice] = COMPLETION.choices;
    // Two of one index: their events would make one.
    const body = await answeredAsJson({ ...COMPLETION, choices: [choice, choice] });
    expect(await stored({ ...body, stream: true })).toBeNull();
    expect(await stored(body)).not.toBeNull();
    const asked = gateway.post({ ...body, stream: true });
    (await provider.next()).end(HELLO);
    const answer = await asked;
    expect([answer.headers.get('x-cache'), await answer.text()]).toEqual(['MISS', withoutUsage(HELLO)]);
    // The end of a stream is sent before Redis has said that it is stored: the next test begins with an empty one.
    await until(async () => (await stored({ ...body, stream: true })) !== null);
  });
});

describe('trap 10: a recorded answer', () => {
  it('whose events were evicted is no stream any more, and still JSON', async () => {
    const body = await recorded();
    await raw.del(await theKey('frames'));
    expect(await stored({ ...body, stream: true })).toBeNull();
    expect(await stored(body)).not.toBeNull();
  });

  it.each([
    ['another hand’s bytes', () => Buffer.from('PSSR none of ours')],
    ['a part of them', (whole: Buffer) => whole.subarray(0, -1)],
  ])('whose events are %s is no stream any more', async (_what, change) => {
    const body = await recorded();
    const key = await theKey('frames');
    await raw.set(key, change((await raw.getBuffer(key)) as Buffer));
    expect(await stored({ ...body, stream: true })).toBeNull();
    expect(await stored(body)).not.toBeNull();
  });

  it('is not streamed with the events of another answer', async () => {
    await recorded(ROLE + say('another') + STOP + DONE);
    const key = await theKey('frames');
    const others = (await raw.getBuffer(key)) as Buffer;
    await raw.flushdb();
    const body = await recorded();
    await raw.set(await theKey('frames'), others);
    expect(await stored({ ...body, stream: true })).toBeNull();
    expect(await stored(body)).not.toBeNull();
  });

  it('is none in either form where its value is not what was stored', async () => {
    const body = await recorded();
    const key = await theKey('llm_cache');
    await raw.set(key, ((await raw.get(key)) as string).replace('Hello', 'Jello'));
    expect(await stored({ ...body, stream: true })).toBeNull();
    expect(await stored(body)).toBeNull();
  });

  it('streams what was sent, to the byte', async () => {
    const stream = ROLE + say('¡Última ') + ': ping\n\n' + say('oferta! 🎉') + STOP + DONE;
    const body = await recorded(stream);
    expect(await stored({ ...body, ...WITH_USAGE })).toBe(stream);
  });
});
