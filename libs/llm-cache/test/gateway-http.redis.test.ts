import { setTimeout as pause } from 'node:timers/promises';
import { until } from '@promptsales/test-kit';
import { cacheHeaders, GatewayStage, HIT } from './gateway-stage.js';
import { question } from './questions.js';
import { DONE, EventReader, HELLO, ROLE, say, STOP, USAGE_CHUNK, withoutUsage } from './stream-provider.js';

const stage = GatewayStage.forAll();

describe('what a response says about the cache', () => {
  it('on a miss and a hit as JSON', async () => {
    const body = question();
    const miss = await stage.answered(body);
    expect(cacheHeaders(miss)).toEqual(['MISS', 'promptsales; fwd=miss; stored', null]);
    expect(miss.headers.get('content-type')).toBe('application/json');
    expect(miss.headers.get('server-timing')).toMatch(/^cache;dur=\d+\.\d{3}, upstream;dur=\d+\.\d{3}$/);
    const hit = await stage.gateway.post(body);
    expect(cacheHeaders(hit)).toEqual(HIT);
    expect(hit.headers.get('server-timing')).toMatch(/^cache;dur=\d+\.\d{3}$/);
    expect(await hit.text()).toBe(await miss.text());
    expect(stage.provider.calls).toBe(1);
    await until(() => stage.gateway.events.length >= 4);
    expect(stage.gateway.events.toSorted()).toEqual(['HIT json', 'MISS json', 'kept stored', 'upstream completed']);
  });

  it('trap 14: on a miss and a hit as a stream, byte for byte, with and without usage', async () => {
    const body = question({ stream: true });
    const miss = await stage.answered(body);
    expect(cacheHeaders(miss)).toEqual(['MISS', 'promptsales; fwd=miss', null]);
    expect(miss.headers.get('content-type')).toBe('text/event-stream');
    expect(await miss.text()).toBe(withoutUsage(HELLO));
    const hit = await stage.gateway.post(body);
    expect(cacheHeaders(hit)).toEqual(HIT);
    expect(hit.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(await hit.text()).toBe(withoutUsage(HELLO));
    const withUsage = await stage.gateway.post({ ...body, stream_options: { include_usage: true } });
    expect(await withUsage.text()).toBe(HELLO);
    expect(stage.provider.calls).toBe(1);
  });

  it.each([
    ['ASCII', 'Last chance'],
    ['not ASCII', '¡Última oferta, 20 €! 🎉'],
    ['long', 'word '.repeat(5_000)],
  ])('on a hit whose text is %s: its type, its length and its bytes', async (_name, text) => {
    const body = question();
    const asStored = await (await stage.answered(body, {}, ROLE + say(text) + STOP + DONE)).text();
    expect(asStored).toContain(text.trim());
    const hit = await stage.gateway.post(body);
    expect(cacheHeaders(hit)).toEqual(HIT);
    expect(hit.headers.get('content-type')).toBe('application/json');
    expect(hit.headers.get('content-length')).toBe(String(Buffer.byteLength(asStored)));
    expect(await hit.text()).toBe(asStored);
  });

  it('on a hit that was asked for in another order and with explicit stream: false', async () => {
    const body = await stage.known();
    const { model, messages } = body;
    expect(cacheHeaders(await stage.gateway.post({ stream: false, messages, model }))).toEqual(HIT);
  });

  it('when nothing may be stored: BYPASS, and nothing is', async () => {
    const body = question();
    expect(cacheHeaders(await stage.answered(body, { 'cache-control': 'no-store' }))).toEqual([
      'BYPASS',
      'promptsales; fwd=bypass; detail=bypass; promptsales-reason=no-store',
      null,
    ]);
    expect(cacheHeaders(await stage.answered(body))[0]).toBe('MISS');
    expect(cacheHeaders(await stage.answered(body, { 'cache-control': 'no-store' }))[0]).toBe('BYPASS');
    const off = question({ model: 'off-model' });
    for (let n = 0; n < 2; n += 1) {
      expect(cacheHeaders(await stage.answered(off))).toEqual([
        'BYPASS',
        'promptsales; fwd=bypass; detail=bypass; promptsales-reason=policy',
        null,
      ]);
    }
    const searching = question({ web_search_options: {} });
    expect(cacheHeaders(await stage.answered(searching))[1]).toBe(
      'promptsales; fwd=bypass; detail=bypass; promptsales-reason=server-tools',
    );
    expect(stage.provider.calls).toBe(6);
  });

  it('with no-cache: REFRESH, and the new answer is what is stored', async () => {
    const body = await stage.known({ stream: true });
    const fresh = ROLE + say('new') + STOP + USAGE_CHUNK + DONE;
    const refreshed = await stage.answered(body, { 'cache-control': 'no-cache' }, fresh);
    expect(cacheHeaders(refreshed)).toEqual(['REFRESH', 'promptsales; fwd=request', null]);
    expect(await refreshed.text()).toBe(withoutUsage(fresh));
    const hit = await stage.gateway.post(body);
    expect(cacheHeaders(hit)).toEqual(HIT);
    expect(await hit.text()).toBe(withoutUsage(fresh));
  });

  it('with only-if-cached: the answer or 504, never a call', async () => {
    const body = question();
    const absent = await stage.gateway.post(body, { 'cache-control': 'only-if-cached' });
    expect(absent.status).toBe(504);
    expect(absent.headers.get('x-should-retry')).toBe('false');
    expect(await absent.json()).toEqual({
      error: expect.objectContaining({ type: 'server_error', code: 'not_in_cache' }),
    });
    expect(stage.provider.calls).toBe(0);
    const present = await stage.old();
    expect(cacheHeaders(await stage.gateway.post(present, { 'cache-control': 'only-if-cached' }))).toEqual(HIT);
    expect((await stage.gateway.post(present, { 'cache-control': 'only-if-cached, no-cache' })).status).toBe(504);
    expect((await stage.gateway.post(present, { 'cache-control': 'only-if-cached, max-age=0' })).status).toBe(504);
  });

  it('with max-age: an older entry is asked for anew', async () => {
    const body = await stage.old();
    expect(cacheHeaders(await stage.gateway.post(body, { 'cache-control': 'max-age=1000' }))).toEqual(HIT);
    expect(cacheHeaders(await stage.answered(body, { 'cache-control': 'max-age=0' }))).toEqual([
      'REFRESH',
      'promptsales; fwd=request; stored',
      null,
    ]);
  });

  it('with stale-while-revalidate: the old answer at once, and one call for a new one behind it', async () => {
    const body = await stage.old();
    const stale = await Promise.all(
      Array.from({ length: 5 }, () =>
        stage.gateway.post(body, { 'cache-control': 'max-age=0, stale-while-revalidate=6000' }),
      ),
    );
    for (const response of stale) {
      expect(cacheHeaders(response)).toEqual([
        'STALE',
        expect.stringMatching(/^promptsales; hit; ttl=-\d+; detail=stale$/),
        expect.stringMatching(/^\d+$/),
      ]);
    }
    (await stage.provider.next()).end(ROLE + say('newer') + STOP + USAGE_CHUNK + DONE);
    await until(async () => (await (await stage.gateway.post(body)).text()).includes('newer'));
    expect(stage.provider.calls).toBe(1);
    expect(stage.gateway.ledger.calls.at(-1)?.facts.cause).toBe('refresh');
  });

  it.each([
    ['a 500', (): Promise<void> => stage.provider.next().then((call) => call.json(500, { error: { message: 'no' } }))],
    ['a broken connection', (): Promise<void> => stage.provider.next().then((call) => call.die())],
  ])('with stale-if-error: the old answer instead of %s', async (_, fail) => {
    const body = await stage.old();
    const pending = stage.gateway.post(body, { 'cache-control': 'max-age=0, stale-if-error=6000' });
    await fail();
    const response = await pending;
    expect(response.status).toBe(200);
    expect(cacheHeaders(response)[0]).toBe('STALE');
    // One request: its call counts it.
    expect([stage.gateway.ledger.calls.at(-1)?.facts.cause, stage.gateway.ledger.hits.at(-1)]).toEqual([
      'request',
      expect.objectContaining({ kind: 'stale', part: true }),
    ]);
    const without = stage.gateway.post(body, { 'cache-control': 'max-age=0' });
    await fail();
    expect((await without).status).toBeGreaterThanOrEqual(500);
  });

  it('keeps an answer for as long as x-cache-ttl says, and apart by namespace', async () => {
    const body = question();
    await (await stage.answered(body, { 'x-cache-ttl': '3000' })).text();
    expect((await stage.gateway.post(body)).headers.get('cache-status')).toMatch(/ttl=(3000|29\d\d)$/);
    expect(cacheHeaders(await stage.answered(body, { 'x-cache-namespace': 'other' }))[0]).toBe('MISS');
  });

  it('trap 14: replays at the pace of the recording, or a multiple, or at once', async () => {
    const body = question({ stream: true });
    const pending = stage.gateway.post(body);
    const call = await stage.provider.next();
    call.say(ROLE);
    const reader = new EventReader(await pending);
    await reader.until('"role"');
    await pause(500);
    call.end(say('slow'), STOP, USAGE_CHUNK, DONE);
    const stream = await reader.rest();
    const timed = async (pace: string): Promise<number> => {
      const began = performance.now();
      expect(await (await stage.gateway.post(body, { 'x-cache-replay': pace })).text()).toBe(stream);
      return performance.now() - began;
    };
    // Timers may be a little early.
    expect(await timed('paced')).toBeGreaterThan(490);
    expect(await timed('speed=10')).toBeGreaterThan(40);
    // A machine that is busy now is not busy for ever.
    for (const pace of ['speed=10', 'instant']) await until(async () => (await timed(pace)) < 490);
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
    const response = await stage.gateway.post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.objectContaining({ type: 'invalid_request_error', code }) });
    expect(stage.provider.calls).toBe(0);
  });

  it.each([
    [{ 'cache-control': 'max-age=soon' }, 400, 'invalid_cache_control'],
    [{ 'x-cache-ttl': '0' }, 400, 'invalid_cache_header'],
    [{ 'x-cache-replay': 'fast' }, 400, 'invalid_cache_header'],
    [{ 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
  ])('%j is refused', async (headers, status, code) => {
    const response = await stage.gateway.post(question(), headers);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.objectContaining({ code }) });
  });

  it('a body that is not I-JSON is passed on as it came, and kept for its like alone', async () => {
    const raw = `{"model":"gpt-4o","messages":[{"role":"user","content":"big"}],"seed":9007199254740993}`;
    const pending = stage.gateway.post(raw);
    const call = await stage.provider.next();
    expect(call.call.body).toBe(raw);
    const completion = {
      id: 'c',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
    };
    call.json(200, completion);
    expect(await (await pending).json()).toEqual(completion);
    expect(cacheHeaders(await stage.gateway.post(raw))).toEqual(HIT);
    const neighbour = stage.gateway.post(raw.replace('993', '992'));
    (await stage.provider.next()).json(200, completion);
    expect(cacheHeaders(await neighbour)[0]).toBe('MISS');
  });
});
