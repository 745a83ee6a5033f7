import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess } from './gateway-process.js';
import {
  DONE,
  EventReader,
  HELLO,
  ROLE,
  say,
  STOP,
  StreamProvider,
  USAGE_CHUNK,
  withoutUsage,
} from './stream-provider.js';

let redis: TestRedis;
let provider: StreamProvider;
let gateway: GatewayProcess;
let questions = 0;

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
  gateway = await GatewayProcess.start({
    redisUrl: redis.url,
    providerUrl: provider.baseUrl,
    upstream: { timeoutMs: 3000, idleTimeoutMs: 1500 },
    policies: [
      { name: 'default', match: {}, mode: 'all', share: 'tenant' },
      { name: 'off', match: { model: 'off-model' }, mode: 'off', share: 'tenant' },
      { name: 'own', match: { model: 'own-model' }, mode: 'all', share: 'key' },
    ],
  });
  await gateway.redisUp();
});
afterAll(async () => {
  await gateway.stop();
  await provider.stop();
});
beforeEach(() => {
  provider.reset();
  gateway.events.length = 0;
});

/** A question that nobody has asked before. */
function question(more: object = {}): Record<string, unknown> {
  questions += 1;
  return { model: 'gpt-4o', messages: [{ role: 'user', content: `question ${questions}` }], ...more };
}

async function answered(body: unknown, headers: Record<string, string> = {}, stream = HELLO): Promise<Response> {
  const pending = gateway.post(body, headers);
  (await provider.next()).end(stream);
  return pending;
}

/** Asks once and has it stored. */
async function known(more: object = {}): Promise<Record<string, unknown>> {
  const body = question(more);
  await (await answered(body)).text();
  provider.reset();
  return body;
}

function cacheHeaders(response: Response): (string | null)[] {
  return [response.headers.get('x-cache'), response.headers.get('cache-status'), response.headers.get('age')];
}

const HIT = [
  'HIT',
  expect.stringMatching(/^promptsales; hit; ttl=60479\d$|^promptsales; hit; ttl=604800$/),
  expect.stringMatching(/^\d+$/),
];

describe('what a response says about the cache', () => {
  it('on a miss and a hit as JSON', async () => {
    const body = question();
    const miss = await answered(body);
    expect(cacheHeaders(miss)).toEqual(['MISS', 'promptsales; fwd=miss; stored', null]);
    expect(miss.headers.get('content-type')).toBe('application/json');
    expect(miss.headers.get('server-timing')).toMatch(/^cache;dur=\d+\.\d{3}, upstream;dur=\d+\.\d{3}$/);
    const hit = await gateway.post(body);
    expect(cacheHeaders(hit)).toEqual(HIT);
    expect(hit.headers.get('server-timing')).toMatch(/^cache;dur=\d+\.\d{3}$/);
    expect(await hit.text()).toBe(await miss.text());
    expect(provider.calls).toBe(1);
    expect(gateway.events.toSorted()).toEqual(['HIT json', 'MISS json', 'kept stored', 'upstream completed']);
  });

  it('trap 14: on a miss and a hit as a stream, byte for byte, with and without usage', async () => {
    const body = question({ stream: true });
    const miss = await answered(body);
    expect(cacheHeaders(miss)).toEqual(['MISS', 'promptsales; fwd=miss', null]);
    expect(miss.headers.get('content-type')).toBe('text/event-stream');
    expect(await miss.text()).toBe(withoutUsage(HELLO));
    const hit = await gateway.post(body);
    expect(cacheHeaders(hit)).toEqual(HIT);
    expect(hit.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(await hit.text()).toBe(withoutUsage(HELLO));
    const withUsage = await gateway.post({ ...body, stream_options: { include_usage: true } });
    expect(await withUsage.text()).toBe(HELLO);
    expect(provider.calls).toBe(1);
  });

  it.each([
    ['ASCII', 'Last chance'],
    ['not ASCII', '¡Última oferta, 20 €! 🎉'],
    ['long', 'word '.repeat(5_000)],
  ])('on a hit whose text is %s: its type, its length and its bytes', async (_name, text) => {
    const body = question();
    const asStored = await (await answered(body, {}, ROLE + say(text) + STOP + DONE)).text();
    expect(asStored).toContain(text.trim());
    const hit = await gateway.post(body);
    expect(cacheHeaders(hit)).toEqual(HIT);
    expect(hit.headers.get('content-type')).toBe('application/json');
    expect(hit.headers.get('content-length')).toBe(String(Buffer.byteLength(asStored)));
    expect(await hit.text()).toBe(asStored);
  });

  it('on a hit that was asked for in another order and with explicit stream: false', async () => {
    const body = await known();
    const { model, messages } = body;
    expect(cacheHeaders(await gateway.post({ stream: false, messages, model }))).toEqual(HIT);
  });

  it('when nothing may be stored: BYPASS, and nothing is', async () => {
    const body = question();
    expect(cacheHeaders(await answered(body, { 'cache-control': 'no-store' }))).toEqual([
      'BYPASS',
      'promptsales; fwd=bypass; detail=bypass; promptsales-reason=no-store',
      null,
    ]);
    expect(cacheHeaders(await answered(body))[0]).toBe('MISS');
    expect(cacheHeaders(await answered(body, { 'cache-control': 'no-store' }))[0]).toBe('BYPASS');
    const off = question({ model: 'off-model' });
    for (let n = 0; n < 2; n += 1) {
      expect(cacheHeaders(await answered(off))).toEqual([
        'BYPASS',
        'promptsales; fwd=bypass; detail=bypass; promptsales-reason=policy',
        null,
      ]);
    }
    const searching = question({ web_search_options: {} });
    expect(cacheHeaders(await answered(searching))[1]).toBe(
      'promptsales; fwd=bypass; detail=bypass; promptsales-reason=server-tools',
    );
    expect(provider.calls).toBe(6);
  });

  it('with no-cache: REFRESH, and the new answer is what is stored', async () => {
    const body = await known({ stream: true });
    const fresh = ROLE + say('new') + STOP + USAGE_CHUNK + DONE;
    const refreshed = await answered(body, { 'cache-control': 'no-cache' }, fresh);
    expect(cacheHeaders(refreshed)).toEqual(['REFRESH', 'promptsales; fwd=request', null]);
    expect(await refreshed.text()).toBe(withoutUsage(fresh));
    const hit = await gateway.post(body);
    expect(cacheHeaders(hit)).toEqual(HIT);
    expect(await hit.text()).toBe(withoutUsage(fresh));
  });

  it('with only-if-cached: the answer or 504, never a call', async () => {
    const body = question();
    const absent = await gateway.post(body, { 'cache-control': 'only-if-cached' });
    expect(absent.status).toBe(504);
    expect(absent.headers.get('x-should-retry')).toBe('false');
    expect(await absent.json()).toEqual({
      error: expect.objectContaining({ type: 'server_error', code: 'not_in_cache' }),
    });
    expect(provider.calls).toBe(0);
    const present = await known();
    expect(cacheHeaders(await gateway.post(present, { 'cache-control': 'only-if-cached' }))).toEqual(HIT);
    expect((await gateway.post(present, { 'cache-control': 'only-if-cached, no-cache' })).status).toBe(504);
    expect((await gateway.post(present, { 'cache-control': 'only-if-cached, max-age=0' })).status).toBe(504);
  });

  it('with max-age: an older entry is asked for anew', async () => {
    const body = await known();
    expect(cacheHeaders(await gateway.post(body, { 'cache-control': 'max-age=100' }))).toEqual(HIT);
    expect(cacheHeaders(await answered(body, { 'cache-control': 'max-age=0' }))).toEqual([
      'REFRESH',
      'promptsales; fwd=request; stored',
      null,
    ]);
  });

  it('with stale-while-revalidate: the old answer at once, and one call for a new one behind it', async () => {
    const body = await known();
    const stale = await Promise.all(
      Array.from({ length: 5 }, () => gateway.post(body, { 'cache-control': 'max-age=0, stale-while-revalidate=60' })),
    );
    for (const response of stale) {
      expect(cacheHeaders(response)).toEqual([
        'STALE',
        expect.stringMatching(/^promptsales; hit; ttl=-\d+; detail=stale$/),
        '0',
      ]);
    }
    (await provider.next()).end(ROLE + say('newer') + STOP + USAGE_CHUNK + DONE);
    const deadline = Date.now() + 3000;
    let text = '';
    while (!text.includes('newer') && Date.now() < deadline) text = await (await gateway.post(body)).text();
    expect(text).toContain('newer');
    expect(provider.calls).toBe(1);
    expect(gateway.ledger.calls.at(-1)?.facts.cause).toBe('refresh');
  });

  it.each([
    ['a 500', (): Promise<void> => provider.next().then((call) => call.json(500, { error: { message: 'no' } }))],
    ['a broken connection', (): Promise<void> => provider.next().then((call) => call.die())],
  ])('with stale-if-error: the old answer instead of %s', async (_, fail) => {
    const body = await known();
    const pending = gateway.post(body, { 'cache-control': 'max-age=0, stale-if-error=60' });
    await fail();
    const response = await pending;
    expect(response.status).toBe(200);
    expect(cacheHeaders(response)[0]).toBe('STALE');
    const without = gateway.post(body, { 'cache-control': 'max-age=0' });
    await fail();
    expect((await without).status).toBeGreaterThanOrEqual(500);
  });

  it('keeps an answer for as long as x-cache-ttl says, and apart by namespace', async () => {
    const body = question();
    await (await answered(body, { 'x-cache-ttl': '30' })).text();
    expect((await gateway.post(body)).headers.get('cache-status')).toMatch(/ttl=(30|29)$/);
    expect(cacheHeaders(await answered(body, { 'x-cache-namespace': 'other' }))[0]).toBe('MISS');
  });

  it('trap 14: replays at the pace of the recording, or a multiple, or at once', async () => {
    const body = question({ stream: true });
    const pending = gateway.post(body);
    const call = await provider.next();
    call.say(ROLE);
    await new Promise((resolve) => setTimeout(resolve, 300));
    call.end(say('slow'), STOP, USAGE_CHUNK, DONE);
    const stream = await (await pending).text();
    const timed = async (pace: string): Promise<number> => {
      const began = performance.now();
      expect(await (await gateway.post(body, { 'x-cache-replay': pace })).text()).toBe(stream);
      return performance.now() - began;
    };
    expect(await timed('paced')).toBeGreaterThanOrEqual(295);
    expect(await timed('speed=10')).toBeLessThan(295);
    expect(await timed('instant')).toBeLessThan(295);
  });
});

describe('trap 15: what is passed on and not stored', () => {
  it.each([400, 404, 422, 429, 500, 503])('a %i, with its body', async (status) => {
    const body = question();
    const error = { error: { message: 'their words', type: 'x', param: null, code: 'theirs' } };
    for (let round = 0; round < 2; round += 1) {
      const pending = gateway.post(body);
      (await provider.next()).json(status, error, { 'retry-after': '7', 'set-cookie': 'a=b' });
      const response = await pending;
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual(error);
      expect(response.headers.get('retry-after')).toBe('7');
      expect(response.headers.get('set-cookie')).toBeNull();
    }
    expect(provider.calls).toBe(2);
  });

  it.each([
    ['a length', say('x').replace('"finish_reason":null', '"finish_reason":"length"') + DONE],
    ['a filter', say('x').replace('"finish_reason":null', '"finish_reason":"content_filter"') + DONE],
    ['no terminal event', ROLE + say('x') + STOP],
    ['an error in band', `${ROLE}data: {"error":{"message":"overloaded"}}\n\n${DONE}`],
  ])('a stream with %s', async (_, stream) => {
    const body = question({ stream: true });
    for (let round = 0; round < 2; round += 1) {
      const response = await answered(body, {}, stream);
      expect(cacheHeaders(response)[0]).toBe('MISS');
      expect(await response.text()).toBe(withoutUsage(stream));
    }
    expect(gateway.events.filter((event) => event === 'kept stored')).toEqual([]);
  });

  it('trap 21: a stream that dies: what came, then an error event, and nothing stored', async () => {
    const body = question({ stream: true });
    const pending = gateway.post(body);
    const call = await provider.next();
    call.say(ROLE, say('half'));
    const reader = new EventReader(await pending);
    await reader.until('half');
    call.die();
    const text = await reader.rest();
    expect(text.startsWith(withoutUsage(ROLE + say('half')))).toBe(true);
    expect(JSON.parse(text.slice(withoutUsage(ROLE + say('half')).length + 'data: '.length))).toEqual({
      error: { message: expect.any(String), type: 'server_error', param: null, code: 'upstream_died' },
    });
    expect(cacheHeaders(await answered(body))[0]).toBe('MISS');
    expect(gateway.ledger.calls.at(-2)?.outcome).toMatchObject({ status: 'failed', usage: null });
  });

  it.each([
    ['dies in the middle', [ROLE, say('half')], 502, 'upstream_died'],
    ['complains in the middle', [ROLE, 'data: {"error":{"message":"overloaded"}}\n\n', DONE], 502, 'upstream_died'],
    ['sends garbage as events', ['data: <html>\n\n', DONE], 502, 'upstream_invalid_response'],
    ['sends no event', [], 502, 'upstream_invalid_response'],
  ])('a provider that %s is an error to one who wants JSON', async (_, events, status, code) => {
    const pending = gateway.post(question());
    (await provider.next()).end(...events);
    const response = await pending;
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.objectContaining({ type: 'server_error', code }) });
  });

  it('a provider that is silent is a 504', async () => {
    const pending = gateway.post(question());
    await provider.next();
    const response = await pending;
    expect(response.status).toBe(504);
    expect(await response.json()).toEqual({ error: expect.objectContaining({ code: 'upstream_timeout' }) });
  });
});

describe('bad input', () => {
  it.each([
    ['no body', '', 400, 'invalid_json'],
    ['half a body', '{"model":', 400, 'invalid_json'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff]), 400, 'invalid_utf8'],
    ['no object', '[]', 400, 'invalid_type'],
    ['no model', { messages: [{ role: 'user' }] }, 400, 'missing_required_parameter'],
    ['no messages', { model: 'm' }, 400, 'missing_required_parameter'],
    ['a message list that is none', { model: 'm', messages: 'hi' }, 400, 'invalid_type'],
    ['a body over the cap', `{"x":"${'x'.repeat(11 * 1024 * 1024)}"}`, 413, 'request_too_large'],
  ])('%s is refused in the provider’s shape', async (_, body, status, code) => {
    const response = await gateway.post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.objectContaining({ type: 'invalid_request_error', code }) });
    expect(provider.calls).toBe(0);
  });

  it.each([
    [{ 'cache-control': 'max-age=soon' }, 400, 'invalid_cache_control'],
    [{ 'x-cache-ttl': '0' }, 400, 'invalid_cache_header'],
    [{ 'x-cache-replay': 'fast' }, 400, 'invalid_cache_header'],
    [{ 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
  ])('%j is refused', async (headers, status, code) => {
    const response = await gateway.post(question(), headers);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.objectContaining({ code }) });
  });

  it('a body that is not I-JSON is passed on as it came, and kept for its like alone', async () => {
    const raw = `{"model":"gpt-4o","messages":[{"role":"user","content":"big"}],"seed":9007199254740993}`;
    const pending = gateway.post(raw);
    const call = await provider.next();
    expect(call.call.body).toBe(raw);
    const completion = {
      id: 'c',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
    };
    call.json(200, completion);
    expect(await (await pending).json()).toEqual(completion);
    expect(cacheHeaders(await gateway.post(raw))).toEqual(HIT);
    const neighbour = gateway.post(raw.replace('993', '992'));
    (await provider.next()).json(200, completion);
    expect(cacheHeaders(await neighbour)[0]).toBe('MISS');
  });
});

describe('trap 17: whose answer it is', () => {
  it('is not another tenant’s, nor that of another base URL', async () => {
    const body = await known();
    expect(cacheHeaders(await answered(body, { 'x-test-tenant': 'other' }))[0]).toBe('MISS');
    const { baseUrl } = gateway.target;
    gateway.target.baseUrl = `${baseUrl}/again`;
    try {
      expect(cacheHeaders(await answered(body))[0]).toBe('MISS');
    } finally {
      gateway.target.baseUrl = baseUrl;
    }
    expect(cacheHeaders(await gateway.post(body))).toEqual(HIT);
  });

  it('is that of all keys of the tenant, or of one key, as the policy says', async () => {
    expect(cacheHeaders(await gateway.post(await known(), { authorization: 'Bearer k2' }))).toEqual(HIT);
    const own = await known({ model: 'own-model' });
    expect(cacheHeaders(await gateway.post(own))).toEqual(HIT);
    expect(cacheHeaders(await answered(own, { authorization: 'Bearer k2' }))[0]).toBe('MISS');
  });
});

describe('trap 7: through POST /v1/chat/completions nobody gets an answer', () => {
  /** Asks as he would; a body of the answer's own says whose it is. */
  const asks = async (body: object, headers: Record<string, string>, mine: string): Promise<string> => {
    const asking = gateway.post(body, headers);
    const answering = provider.next().then((call) => call.end(ROLE + say(mine) + STOP + USAGE_CHUNK + DONE));
    const response = await asking;
    if (response.headers.get('x-cache') === 'MISS') await answering;
    else provider.reset();
    return response.text();
  };

  it.each([
    ['another tenant', {}, { 'x-test-tenant': 'other' }],
    ['another key, where the policy keeps keys apart', { model: 'own-model' }, { authorization: 'Bearer k2' }],
    ['another organization at the provider', {}, { 'openai-organization': 'org-2' }],
    ['another project at the provider', {}, { 'openai-project': 'proj-2' }],
    ['another beta of the provider', {}, { 'openai-beta': 'assistants=v2' }],
    ['another namespace', {}, { 'x-cache-namespace': 'theirs' }],
  ])('that was given to %s', async (_whose, more, headers) => {
    for (const form of [{}, { stream: true }]) {
      const body = question({ ...more, ...form });
      expect(await asks(body, {}, 'first')).toContain('first');
      const theirs = await asks(body, headers, 'second');
      expect(theirs).toContain('second');
      expect(theirs).not.toContain('first');
      expect(await (await gateway.post(body)).text()).toContain('first');
      expect(await (await gateway.post(body, headers)).text()).toContain('second');
      expect(provider.calls).toBe(2);
      provider.reset();
    }
  });

  it('of another base URL, nor joins a call that is under way for another', async () => {
    const body = question();
    const { baseUrl } = gateway.target;
    const first = gateway.post(body);
    const here = await provider.next();
    gateway.target.baseUrl = `${baseUrl}/again`;
    try {
      const second = gateway.post(body);
      const there = await provider.next();
      expect([here.call.url, there.call.url]).toEqual(['/v1/chat/completions', '/v1/again/chat/completions']);
      there.end(ROLE + say('there') + STOP + USAGE_CHUNK + DONE);
      expect(await (await second).text()).toContain('there');
      const hit = await gateway.post(body);
      expect([hit.headers.get('x-cache'), await hit.text()]).toEqual(['HIT', expect.stringContaining('there')]);
    } finally {
      gateway.target.baseUrl = baseUrl;
    }
    here.end(ROLE + say('here') + STOP + USAGE_CHUNK + DONE);
    expect(await (await first).text()).toContain('here');
    expect(await (await gateway.post(body)).text()).toContain('here');
  });

  it('but that of another credential of the same tenant, which its policy shares', async () => {
    const body = await known();
    expect((await gateway.post(body, { authorization: 'Bearer k2' })).headers.get('x-cache')).toBe('HIT');
  });
});
