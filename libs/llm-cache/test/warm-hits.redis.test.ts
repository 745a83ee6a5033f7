/** Hits from the process's own memory: to a client they are hits like any other. */
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { companions, keyspace } from '@promptsales/cache-core';
import { GatewayProcess } from './gateway-process.js';
import { question } from './questions.js';
import { DONE, HELLO, ROLE, say, STOP, StreamProvider, withoutUsage } from './stream-provider.js';

const BOUND_MS = 1000;

let redis: TestRedis;
let provider: StreamProvider;
let here: GatewayProcess;
let there: GatewayProcess;

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
  const options = { redisUrl: redis.url, providerUrl: provider.baseUrl, cache: { l1: {} } };
  [here, there] = await Promise.all([GatewayProcess.start(options), GatewayProcess.start(options)]);
  await until(() =>
    [here, there].every(({ cache }) => cache.l1Status?.servers.every(({ state }) => state === 'tracking') ?? false),
  );
});
afterAll(async () => {
  await Promise.all([here.stop(), there.stop()]);
  await provider.stop();
});
beforeEach(() => {
  provider.reset();
});

const tier = (process: GatewayProcess): string | undefined => process.tiers.at(-1);

/** A question that has been asked before, and whose answer `here` has in its own memory. */
async function warm(more: object = {}): Promise<Record<string, unknown>> {
  const body = question(more);
  const asked = here.post(body);
  (await provider.next()).end(HELLO);
  await (await asked).text();
  await until(async () => {
    await (await here.post(body)).text();
    return tier(here) === 'l1';
  });
  return body;
}

/** When this process was held up last for so long that it may rightly have stopped to trust its memory. */
let heldUpAt = Number.NEGATIVE_INFINITY;
let tickedAt = performance.now();
const ticking = setInterval(() => {
  const now = performance.now();
  if (now - tickedAt > BOUND_MS / 2) heldUpAt = now;
  tickedAt = now;
}, 50);
afterAll(() => clearInterval(ticking));

/** Once without the machine having stood still. */
async function undisturbed(scenario: () => Promise<void>): Promise<void> {
  for (;;) {
    // Its memory is trusted from here on.
    await warm();
    try {
      return await scenario();
    } catch (error) {
      if (performance.now() - heldUpAt > 10 * BOUND_MS) throw error;
      provider.reset();
    }
  }
}

/** What does not differ from one hit to the next. */
const headersOf = ({ headers }: Response): Record<string, string | null> =>
  Object.fromEntries(
    ['content-type', 'content-length', 'x-cache', 'cache-status', 'vary'].map((name) => [
      name,
      headers.get(name)?.replace(/ttl=\d+/, 'ttl') ?? null,
    ]),
  );

describe('a hit from memory', () => {
  it.each([
    ['JSON', {}],
    ['a stream without usage', { stream: true }],
    ['a stream with usage', { stream: true, stream_options: { include_usage: true } }],
  ])('as %s says and sends what a hit from Redis does', async (_form, more) => {
    const body = await warm(more);
    const fromRedis = await there.post(body);
    expect(tier(there)).toBe('redis');
    const sent = await fromRedis.text();
    await undisturbed(async () => {
      const fromMemory = await here.post(body);
      expect(tier(here)).toBe('l1');
      expect(headersOf(fromMemory)).toEqual(headersOf(fromRedis));
      expect(await fromMemory.text()).toBe(sent);
      expect(fromMemory.headers.get('x-cache')).toBe('HIT');
    });
  });

  it('is there in each form before anybody has asked again', async () => {
    await undisturbed(async () => {
      const body = question();
      const home = broughtHome(2);
      const asked = here.post(body);
      (await provider.next()).end(HELLO);
      await (await asked).text();
      await home;
      for (const stream of [true, false, true]) {
        await (await here.post({ ...body, stream })).text();
        expect(tier(here)).toBe('l1');
      }
    });
  });

  it('counts for what it takes unpacked', async () => {
    const stream = ROLE + say(' again').repeat(1000) + STOP + DONE;
    await undisturbed(async () => {
      const before = here.cache.l1Status?.bytes ?? 0;
      const home = broughtHome(2);
      const asked = here.post(question({ stream: true }));
      (await provider.next()).end(stream);
      await (await asked).text();
      await home;
      expect((here.cache.l1Status?.bytes ?? 0) - before).toBeGreaterThan(stream.length);
    });
  });

  it('is there in the form that was asked for where it came as JSON, and in the other once somebody has asked', async () => {
    const message = { role: 'assistant', content: 'Hello', refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
    const completion = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices };
    await undisturbed(async () => {
      const body = question();
      const home = broughtHome(1);
      const asked = here.post(body);
      (await provider.next()).json(200, completion);
      await (await asked).text();
      await home;
      for (const [stream, from] of [
        [false, 'l1'],
        [true, 'redis'],
        [true, 'l1'],
        [false, 'l1'],
      ] as const) {
        await (await here.post({ ...body, stream })).text();
        expect(tier(here)).toBe(from);
      }
    });
  });

  it('leaves the same line in the ledger', async () => {
    const body = await warm();
    await (await there.post(body)).text();
    await (await here.post(body)).text();
    const itsOwn = { requestId: '', ageSeconds: expect.any(Number) };
    const theirs = { ...there.ledger.hits.at(-1), ...itsOwn };
    expect({ ...here.ledger.hits.at(-1), requestId: '' }).toEqual(theirs);
    expect(theirs).toMatchObject({ kind: 'hit' });
  });

  it('ages', async () => {
    const body = await warm();
    await until(async () => {
      const old = await here.post(body);
      await old.text();
      const ttl = Number(/ttl=(\d+)/.exec(old.headers.get('cache-status') ?? '')?.[1]);
      return tier(here) === 'l1' && Number(old.headers.get('age')) >= 1 && ttl < 604_799;
    });
    // Too old for this caller: nobody serves it from memory either.
    const asked = here.post(body, { 'cache-control': 'max-age=0' });
    (await provider.next()).end(HELLO);
    expect((await asked).headers.get('x-cache')).toBe('REFRESH');
  });

  it('is for no caller who wants none', async () => {
    const body = await warm();
    for (const [wish, outcome] of [
      ['no-cache', 'REFRESH'],
      ['no-store', 'BYPASS'],
    ] as const) {
      const asked = here.post(body, { 'cache-control': wish });
      (await provider.next()).end(HELLO);
      const answer = await asked;
      expect(answer.headers.get('x-cache')).toBe(outcome);
      await answer.text();
      provider.reset();
    }
  });

  it('serves only-if-cached, and its own tenant alone', async () => {
    const body = await warm();
    await undisturbed(async () => {
      expect((await here.post(body, { 'cache-control': 'only-if-cached' })).status).toBe(200);
      expect(tier(here)).toBe('l1');
    });
    const stranger = { 'cache-control': 'only-if-cached', 'x-test-tenant': 'other' };
    expect((await here.post(body, stranger)).status).toBe(504);
  });

  it('is gone in each of its forms when another process invalidates it', async () => {
    const asStream = await warm({ stream: true });
    const asJson = { ...asStream, stream: false };
    await until(async () => {
      await (await here.post(asJson)).text();
      return tier(here) === 'l1';
    });
    const hash = here.ledger.hits.at(-1)?.identity ?? '';
    await there.cache.invalidate({ ref: keyspace.llmResponse.at({ hash }, 'acme'), parts: [companions.frames] });
    const onlyIfCached = { 'cache-control': 'only-if-cached' };
    for (const form of [asJson, asStream]) {
      await until(async () => (await here.post(form, onlyIfCached)).status === 504, BOUND_MS);
      expect((await here.post(form, onlyIfCached)).status).toBe(504);
    }
  });

  it('keeps no usage from who did not ask for it', async () => {
    const body = await warm({ stream: true });
    expect(await (await here.post(body)).text()).toBe(withoutUsage(HELLO));
  });
});

/** The answer that is stored next has come into the own memory, in so many forms and no more. */
async function broughtHome(forms: number): Promise<void> {
  const bringing = jest.spyOn(here.cache, 'bringHome');
  try {
    await until(() => bringing.mock.results.length > 0);
    await Promise.all(bringing.mock.results.map(({ value }) => value as Promise<void>));
    expect(bringing).toHaveBeenCalledTimes(forms);
  } finally {
    bringing.mockRestore();
  }
}
