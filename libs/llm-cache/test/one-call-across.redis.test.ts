/** One call for any number of simultaneous identical requests, over two processes. */
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';
import { holdScript } from './held-script.js';
import { question, stream } from './questions.js';
import { DONE, HELLO, ROLE, say, STOP, StreamProvider, USAGE_CHUNK } from './stream-provider.js';

let redis: TestRedis;
let provider: StreamProvider;
let here: GatewayProcess;
let there: GatewayProcess;
/** Does not wait for an answer to be stored. */
let impatient: GatewayProcess;

const start = async (options: Partial<GatewayProcessOptions> = {}): Promise<GatewayProcess> =>
  (await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl, ...options })).redisUp();

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
  [here, there, impatient] = await Promise.all([start(), start(), start({ bounds: { holdMs: 1 } })]);
});
afterAll(async () => {
  await Promise.all([here, there, impatient].map((gateway) => gateway.stop()));
  await provider.stop();
});
beforeEach(() => {
  provider.reset();
  here.events.length = 0;
  there.events.length = 0;
});

/** When the follower's process has told the leader's that it waits, and has heard that it is known. */
const untilAttached = (): Promise<void> =>
  until(() => [...here.events, ...there.events].filter((event) => event.startsWith('attached')).length >= 2);

describe('in two processes', () => {
  it('trap 18: a hundred simultaneous identical requests, half of them streams, make one call', async () => {
    const body = question();
    const before = [here.asked, there.asked] as const;
    const asking = Array.from({ length: 100 }, (_, at) =>
      (at % 2 === 0 ? here : there).post(at % 4 < 2 ? body : { ...body, stream: true }),
    );
    const call = await provider.next();
    call.say(ROLE, say('Hel'));
    await untilAttached();
    await Promise.all([here.settled(before[0] + 50), there.settled(before[1] + 50)]);
    call.end(say('lo'), STOP, USAGE_CHUNK, DONE);
    const responses = await Promise.all(asking);
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(provider.calls).toBe(1);
    expect(new Set(texts).size).toBe(2);
    expect(responses.filter((response) => response.headers.get('x-cache') === 'MISS')).toHaveLength(1);
    expect([...here.events, ...there.events].filter((event) => event.startsWith('attached')).toSorted()).toEqual([
      'attached follower',
      'attached leader',
    ]);
  });

  it('who prepares a call and finds that another process was quicker leaves no line of it', async () => {
    const acquiring = holdScript(there, 'acquire');
    try {
      const body = question();
      const [before, beforeThere] = [here.ledger.calls.length, there.ledger.calls.length];
      const slower = there.post(body);
      await until(() => there.ledger.calls.length > beforeThere);
      const faster = here.post(body);
      const call = await provider.next();
      acquiring.letGo();
      await until(() => there.events.includes('attached follower'));
      call.end(HELLO);
      expect((await faster).headers.get('x-cache')).toBe('MISS');
      expect((await slower).headers.get('x-cache')).toMatch(/^(COALESCED|HIT)$/);
      expect(provider.calls).toBe(1);
      expect([here.ledger.calls.length - before, there.ledger.calls.length - beforeThere]).toEqual([1, 0]);
    } finally {
      acquiring.letGo();
    }
  });

  it('who has seen the end of a stream finds it in the cache, though it is only on its way there', async () => {
    const storing = holdScript(here, 'store');
    try {
      const body = question();
      const first = stream(here, body);
      (await provider.next()).end(HELLO);
      const text = await (await first).rest();
      expect((await first).cache).toBe('MISS');
      expect(storing.wanted).toBe(1);
      const looksBefore = here.looks.length;
      const again = [here.post(body), here.post({ ...body, stream: true }), there.post(body)];
      await until(() => here.looks.length >= looksBefore + 2 && there.events.includes('attached follower'));
      storing.letGo();
      const responses = await Promise.all(again);
      expect(responses.map(({ headers }) => headers.get('x-cache'))).toEqual(['HIT', 'HIT', 'HIT']);
      expect(await responses[1]?.text()).toBe(text);
      expect(provider.calls).toBe(1);
    } finally {
      storing.letGo();
    }
  });

  it('who comes at the end of a stream that takes long to be stored shares it', async () => {
    const storing = holdScript(impatient, 'store');
    try {
      const body = question();
      const first = stream(impatient, body);
      (await provider.next()).end(HELLO);
      await (await first).rest();
      expect((await impatient.post(body)).headers.get('x-cache')).toBe('COALESCED');
      expect(provider.calls).toBe(1);
    } finally {
      storing.letGo();
    }
  });

  it('a follower in another process gets the first events while the rest is still to come', async () => {
    const body = question();
    const first = stream(here, body);
    const call = await provider.next();
    call.say(ROLE, say('early'));
    await (await first).until('early');
    const second = await stream(there, body);
    expect(second.cache).toBe('COALESCED');
    await second.until('early');
    call.say(say('then'));
    await second.until('then');
    const json = there.post(body);
    call.end(STOP, USAGE_CHUNK, DONE);
    expect(await second.rest()).toBe(await (await first).rest());
    expect(await (await json).json()).toMatchObject({ choices: [{ message: { content: 'earlythen' } }] });
    expect((await there.post(body)).headers.get('x-cache')).toBe('HIT');
    expect(provider.calls).toBe(1);
  });

  it('trap 21: the call goes on for a follower in another process when the first client leaves, and ends with the last', async () => {
    const body = question();
    const leaving = new AbortController();
    const first = stream(here, body, leaving.signal);
    const call = await provider.next();
    call.say(ROLE, say('a'));
    const leaver = await first;
    await leaver.until('"a"');
    const leavingToo = new AbortController();
    const second = await stream(there, body, leavingToo.signal);
    await second.until('"a"');
    leaving.abort();
    await new Promise((resolve) => setTimeout(resolve, 100));
    call.say(say('b'));
    await second.until('"b"');
    leavingToo.abort();
    await call.closed;
    await until(() => here.ledger.calls.at(-1)?.outcome?.status === 'aborted');
    expect(provider.calls).toBe(1);
  });

  it('trap 21: a provider that dies in the middle is an error to followers everywhere, and nothing is stored', async () => {
    const body = question();
    const first = stream(here, body);
    const call = await provider.next();
    call.say(ROLE, say('half'));
    await (await first).until('half');
    const second = await stream(there, body);
    await second.until('half');
    const { asked } = there;
    const json = there.post(body);
    await there.settled(asked + 1);
    call.die();
    expect(await second.rest()).toContain('"code":"upstream_died"');
    expect((await json).status).toBe(502);
    await (await first).rest();
    const again = there.post(body);
    (await provider.next()).end(HELLO);
    expect((await again).headers.get('x-cache')).toBe('MISS');
  });

  it('an answer that came as JSON reaches followers in both forms', async () => {
    const body = question();
    const asking = [here.post(body), there.post(body), there.post({ ...body, stream: true })];
    const call = await provider.next();
    await untilAttached();
    const completion = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'one two' }, finish_reason: 'stop' }],
    };
    call.json(200, completion);
    const [own, json, events] = await Promise.all(asking);
    expect(await own?.json()).toEqual(completion);
    expect(await json?.json()).toEqual(completion);
    const text = (await events?.text()) ?? '';
    expect(text).toContain('" two"');
    expect(text.endsWith(DONE)).toBe(true);
    expect(provider.calls).toBe(1);
  });

  it('a refusal reaches followers in another process as it came', async () => {
    const body = question();
    const { asked } = there;
    const asking = [here.post(body), there.post(body), there.post({ ...body, stream: true })];
    const call = await provider.next();
    await untilAttached();
    await there.settled(asked + 2);
    call.json(400, { error: { message: 'their words' } });
    for (const response of await Promise.all(asking)) {
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: { message: 'their words' } });
    }
    expect(provider.calls).toBe(1);
  });
});
