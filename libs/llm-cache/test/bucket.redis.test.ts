/** Several answers to one request, served in rotation, over two processes. */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import type { CachePolicy } from '../src/index.js';
import { GatewayProcess } from './gateway-process.js';
import { question } from './questions.js';
import { DONE, EventReader, ROLE, say, STOP, StreamProvider, USAGE_CHUNK } from './stream-provider.js';

const BUCKET = 3;
const POLICIES: readonly CachePolicy[] = [
  { name: 'varied', match: { model: 'varied' }, mode: 'bucket', bucket: BUCKET, share: 'tenant' },
  { name: 'first', match: { model: 'varied', tenant: 'one' }, mode: 'all', share: 'all' },
  { name: 'then', match: { model: 'varied', tenant: 'many' }, mode: 'bucket', bucket: BUCKET, share: 'all' },
];

let redis: TestRedis;
let provider: StreamProvider;
let here: GatewayProcess;
let there: GatewayProcess;
let said = 0;

const start = async (): Promise<GatewayProcess> =>
  (
    await GatewayProcess.start({
      redisUrl: redis.url,
      providerUrl: provider.baseUrl,
      policies: POLICIES,
      cache: { l1: {} },
    })
  ).redisUp();

/** Every call is answered, and each with something else. */
async function answering(): Promise<void> {
  for (;;) {
    const call = await provider.next();
    said += 1;
    call.end(ROLE, say(`answer ${said}`), STOP, USAGE_CHUNK, DONE);
  }
}

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
  void answering();
  [here, there] = await Promise.all([start(), start()]);
});
afterAll(async () => {
  await Promise.all([here.stop(), there.stop()]);
  await provider.stop();
});
beforeEach(() => provider.reset());

interface Answer {
  readonly text: string;
  readonly cache: string | null;
}

async function ask(gateway: GatewayProcess, body: object, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await gateway.post(body, headers);
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return { text: choices[0]?.message.content ?? '', cache: response.headers.get('x-cache') };
}

it('asks for as many answers as are kept, then serves them in rotation, whichever process is asked', async () => {
  const body = question({ model: 'varied' });
  const rounds: Answer[] = [];
  for (let turn = 0; turn < 4 * BUCKET; turn += 1) rounds.push(await ask(turn % 2 === 0 ? here : there, body));
  const first = rounds.slice(0, BUCKET);
  expect(first.map(({ cache }) => cache)).toEqual(Array.from({ length: BUCKET }, () => 'MISS'));
  expect(new Set(first.map(({ text }) => text)).size).toBe(BUCKET);
  for (const [turn, answer] of rounds.slice(BUCKET).entries()) {
    expect(answer).toEqual({ text: first[turn % BUCKET]?.text, cache: 'HIT' });
  }
  expect(provider.calls).toBe(BUCKET);
});

it('serves a stored answer as a stream, and one that was streamed as JSON, each in its turn', async () => {
  const body = question({ model: 'varied' });
  const streamed: string[] = [];
  for (let turn = 0; turn < BUCKET; turn += 1) {
    streamed.push(await new EventReader(await here.post({ ...body, stream: true })).rest());
  }
  for (const events of streamed) expect(events).toContain((await ask(there, body)).text);
  expect(provider.calls).toBe(BUCKET);
});

it('trap 18: thirty simultaneous requests make as many calls as answers are kept', async () => {
  const body = question({ model: 'varied' });
  const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => ask(at % 2 === 0 ? here : there, body)));
  expect(provider.calls).toBe(BUCKET);
  const shares = Map.groupBy(answers, ({ text }) => text);
  expect([...shares.values()].map(({ length }) => length)).toEqual(Array.from({ length: BUCKET }, () => 10));
});

it('gives what there is to who takes only what is stored, before all answers are there', async () => {
  const body = question({ model: 'varied' });
  const { text } = await ask(here, body);
  for (let turn = 0; turn < 2 * BUCKET; turn += 1) {
    expect(await ask(turn % 2 === 0 ? here : there, body, { 'cache-control': 'only-if-cached' })).toEqual({
      text,
      cache: 'HIT',
    });
  }
  const none = await here.post(question({ model: 'varied' }), { 'cache-control': 'only-if-cached' });
  expect([none.status, provider.calls]).toEqual([504, 1]);
});

it('begins with the answer that was kept before there was a bucket', async () => {
  const body = question({ model: 'varied' });
  const { text } = await ask(here, body, { 'x-test-tenant': 'one' });
  const many = { 'x-test-tenant': 'many' };
  expect(await ask(there, body, many)).toEqual({ text, cache: 'HIT' });
  expect((await ask(there, body, many)).cache).toBe('MISS');
});

it('replaces the answer whose turn it is where a request wants a new one', async () => {
  const body = question({ model: 'varied' });
  const first = await ask(here, body);
  const second = await ask(here, body);
  const third = await ask(here, body);
  const anew = await ask(here, body, { 'cache-control': 'no-cache' });
  expect(anew.cache).toBe('REFRESH');
  const round = [await ask(here, body), await ask(here, body), await ask(here, body)];
  expect(round.map(({ text }) => text)).toEqual([second.text, third.text, anew.text]);
  expect(anew.text).not.toBe(first.text);
});

it('trap 10: counts anew where something else lies in the place of the count', async () => {
  const body = question({ model: 'varied' });
  const { text } = await ask(here, body);
  const llm = here.roles.link('llm');
  const counts = await llm.readAt('llm_rotation', (client) => client.keys('llm_rotation:*'));
  for (const key of counts) await llm.readAt(key, (client) => client.multi().del(key).rpush(key, 'a list').exec());
  expect(await ask(there, body)).toEqual({ text, cache: 'HIT' });
  expect((await ask(here, body)).cache).toBe('MISS');
});

it('goes on by itself while Redis does not answer', async () => {
  const body = question({ model: 'varied' });
  await ask(here, body);
  redis.freeze();
  expect((await ask(here, body)).text).toMatch(/^answer/);
  redis.thaw();
});
