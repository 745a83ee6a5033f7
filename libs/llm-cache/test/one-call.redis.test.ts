/** One call for any number of simultaneous identical requests, whoever leaves and whatever breaks. */
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';
import { question, stream } from './questions.js';
import { DONE, HELLO, ROLE, say, STOP, StreamProvider, USAGE_CHUNK, withoutUsage } from './stream-provider.js';

let redis: TestRedis;
let provider: StreamProvider;
let here: GatewayProcess;
let there: GatewayProcess;

const start = async (options: Partial<GatewayProcessOptions> = {}): Promise<GatewayProcess> =>
  (await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl, ...options })).redisUp();

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
  [here, there] = await Promise.all([start(), start()]);
});
afterAll(async () => {
  await Promise.all([here.stop(), there.stop()]);
  await provider.stop();
});
beforeEach(() => {
  provider.reset();
  here.events.length = 0;
  there.events.length = 0;
});

describe('in one process', () => {
  it('trap 18: fifty simultaneous identical requests, half of them streams, make one call', async () => {
    const body = question();
    const { asked } = here;
    const asking = Array.from({ length: 50 }, (_, at) => here.post(at % 2 === 0 ? body : { ...body, stream: true }));
    const call = await provider.next();
    await here.settled(asked + 50);
    expect(provider.calls).toBe(1);
    call.end(HELLO);
    const responses = await Promise.all(asking);
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(provider.calls).toBe(1);
    expect(new Set(texts).size).toBe(2);
    expect(texts[1]).toBe(withoutUsage(HELLO));
    const outcomes = responses.map((response) => response.headers.get('x-cache'));
    expect(outcomes.filter((outcome) => outcome === 'MISS')).toHaveLength(1);
    // Whoever of them came first: a follower's whole answer is stored by then, of a stream that is not known yet.
    const coalesced = responses
      .map(({ headers }) => headers.get('cache-status'))
      .filter((text) => text?.includes('collapsed'));
    const followed = 'promptsales; fwd=miss; collapsed; detail=coalesced';
    expect(new Set(coalesced)).toEqual(new Set([followed, `${followed}; stored`]));
    expect(
      here.ledger.calls.filter(({ facts }) => facts.identity === here.ledger.calls.at(-1)?.facts.identity),
    ).toHaveLength(1);
  });

  it('a follower gets the first events while the rest is still to come', async () => {
    const body = question();
    const first = stream(here, body);
    const call = await provider.next();
    call.say(ROLE, say('early'));
    await (await first).until('early');
    const second = await stream(here, body);
    expect(second.cache).toBe('COALESCED');
    await second.until('early');
    const json = here.post(body);
    call.end(say(' late'), STOP, USAGE_CHUNK, DONE);
    const whole = withoutUsage(ROLE + say('early') + say(' late') + STOP + DONE);
    expect(await (await first).rest()).toBe(whole);
    expect(await second.rest()).toBe(whole);
    expect(await (await json).json()).toMatchObject({
      id: 'chatcmpl-1',
      choices: [{ message: { content: 'early late' } }],
      usage: { total_tokens: 7 },
    });
    expect(provider.calls).toBe(1);
    // Who came last may have come at the end, and have found it in the cache.
    const { identity } = here.ledger.calls.at(-1)?.facts ?? {};
    const shared = () => here.ledger.hits.filter((hit) => hit.identity === identity && hit.kind === 'coalesced');
    await until(() => shared().length >= 1);
    expect(shared()[0]).toMatchObject({ usage: { inputTokens: 3, outputTokens: 4 } });
  });

  it.each(['here', 'there'])(
    'trap 20: a follower %s who leaves in the middle has avoided nobody knows what',
    async (place) => {
      const follower = place === 'here' ? here : there;
      const body = question();
      const first = stream(here, body);
      const call = await provider.next();
      call.say(ROLE, say('a'));
      await (await first).until('"a"');
      const leaving = new AbortController();
      const second = await stream(follower, body, leaving.signal);
      await second.until('"a"');
      const before = follower.ledger.hits.length;
      leaving.abort();
      await until(() => follower.ledger.hits.length > before);
      call.end(say('b'), STOP, USAGE_CHUNK, DONE);
      await (await first).rest();
      expect(follower.ledger.hits.slice(before)).toEqual([
        expect.objectContaining({ kind: 'coalesced', usage: null, answeredModel: null }),
      ]);
    },
  );

  it.each(['here', 'there'])('a follower %s who leaves on the last event has had the whole answer', async (place) => {
    const follower = place === 'here' ? here : there;
    const body = question();
    const first = stream(here, body);
    const call = await provider.next();
    call.say(ROLE);
    await (await first).until('"role"');
    const leaving = new AbortController();
    const second = await stream(follower, body, leaving.signal);
    await second.until('"role"');
    const before = follower.ledger.hits.length;
    call.end(say('b'), STOP, USAGE_CHUNK, DONE);
    await second.until('[DONE]');
    leaving.abort();
    await until(() => follower.ledger.hits.length > before);
    expect(follower.ledger.hits.at(-1)).toMatchObject({ kind: 'coalesced', usage: { inputTokens: 3 } });
  });

  it('a provider that refuses stream_options answers all the same, and its usage is unknown', async () => {
    const body = question({ stream: true, model: 'without-usage' });
    const before = here.ledger.calls.length;
    const asked = stream(here, body);
    const refused = await provider.next();
    expect(refused.call.body).toContain('"include_usage":true');
    refused.json(400, { error: { message: "Unknown parameter: 'include_usage'." } });
    const call = await provider.next();
    expect(call.call.body).toBe(JSON.stringify(body));
    call.end(withoutUsage(HELLO));
    expect(await (await asked).rest()).toBe(withoutUsage(HELLO));
    expect((await stream(here, body)).cache).toBe('HIT');
    expect(here.ledger.calls.slice(before).map(({ facts, outcome }) => [facts.cause, outcome])).toEqual([
      ['request', expect.objectContaining({ status: 'failed', httpStatus: 400, usage: null })],
      ['retry', expect.objectContaining({ status: 'completed', usage: null })],
    ]);
    expect(here.ledger.hits.at(-1)).toMatchObject({ kind: 'hit', usage: null });
    // The next question is asked without at once.
    const next = stream(here, question({ stream: true, model: 'without-usage' }));
    const direct = await provider.next();
    expect(direct.call.body).not.toContain('include_usage');
    direct.end(withoutUsage(HELLO));
    await (await next).rest();
  });

  it('trap 21: the first client leaves and the others lose nothing', async () => {
    const body = question();
    const leaving = new AbortController();
    const first = await Promise.all([
      stream(here, body, leaving.signal),
      provider.next().then((call) => (call.say(ROLE, say('a')), call)),
    ]);
    const [leaver, call] = first;
    await leaver.until('"a"');
    const second = await stream(here, body);
    leaving.abort();
    await expect(leaver.rest()).rejects.toThrow(/abort/i);
    await new Promise((resolve) => setTimeout(resolve, 50));
    call.end(say('b'), STOP, USAGE_CHUNK, DONE);
    expect(await second.rest()).toBe(withoutUsage(ROLE + say('a') + say('b') + STOP + DONE));
    expect((await here.post(body)).headers.get('x-cache')).toBe('HIT');
    expect(provider.calls).toBe(1);
  });

  it.each(['json', 'stream'])('trap 21: the call is given up when the last client has left (%s)', async (form) => {
    const body = question(form === 'stream' ? { stream: true } : {});
    const leaving = new AbortController();
    const pending = here.post(body, {}, leaving.signal).then(
      (response) => response.text().catch(() => 'left'),
      () => 'left',
    );
    const call = await provider.next();
    call.say(ROLE);
    await new Promise((resolve) => setTimeout(resolve, 30));
    leaving.abort();
    expect(await pending).toBe('left');
    await call.closed;
    await until(() => here.ledger.calls.at(-1)?.outcome !== null);
    expect(here.ledger.calls.at(-1)?.outcome).toMatchObject({ status: 'aborted', usage: null });
    // Nothing is left behind: who asks now is answered by a call of his own.
    const again = here.post(body);
    (await provider.next()).end(HELLO);
    expect((await again).headers.get('x-cache')).toBe('MISS');
  });

  it('no-cache and no-store do not join what is under way', async () => {
    const body = question();
    const first = here.post(body);
    const call = await provider.next();
    const anew = here.post(body, { 'cache-control': 'no-cache' });
    const second = await provider.next();
    const alone = here.post(body, { 'cache-control': 'no-store' });
    const third = await provider.next();
    third.end(HELLO);
    second.end(ROLE + say('newest') + STOP + USAGE_CHUNK + DONE);
    expect((await alone).headers.get('x-cache')).toBe('BYPASS');
    expect((await anew).headers.get('x-cache')).toBe('REFRESH');
    call.end(HELLO);
    expect((await first).headers.get('cache-status')).toBe('promptsales; fwd=miss');
    expect(await (await here.post(body)).text()).toContain('newest');
  });

  it('a refusal is shared by those who wait, and by nobody who comes later', async () => {
    const body = question();
    const { asked } = here;
    const asking = Array.from({ length: 5 }, () => here.post(body));
    const call = await provider.next();
    await here.settled(asked + 5);
    expect(provider.calls).toBe(1);
    call.json(429, { error: { message: 'slow down' } }, { 'retry-after': '3' });
    for (const response of await Promise.all(asking))
      expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3']);
    const later = here.post(body);
    (await provider.next()).end(HELLO);
    expect((await later).status).toBe(200);
  });
});

describe('an answer that outgrows what is kept', () => {
  it('passes through to all who are on board, holds the provider to their pace, and is not stored', async () => {
    const small = await start({ bounds: { retainBytes: 20_000, windowBytes: 10_000, maxStoredBytes: 20_000 } });
    try {
      const body = question();
      const first = stream(small, body);
      const call = await provider.next();
      call.say(ROLE);
      const reader = await first;
      const pieces = Array.from({ length: 400 }, (_, at) => say(`${'x'.repeat(1000)}${at}`));
      const reading = reader.rest();
      for (const piece of pieces) call.say(piece);
      await until(() => reader.text.length > 60_000);
      const late = small.post(body);
      const own = await provider.next();
      own.end(HELLO);
      expect((await late).headers.get('x-cache')).toBe('MISS');
      call.end(STOP, USAGE_CHUNK, DONE);
      expect(await reading).toBe(withoutUsage([ROLE, ...pieces, STOP, DONE].join('')));
      expect(small.events).toContain('kept too_large');
    } finally {
      await small.stop();
    }
  });
});
