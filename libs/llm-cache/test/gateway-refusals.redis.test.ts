import { cacheHeaders, GatewayStage } from './gateway-stage.js';
import { question } from './questions.js';
import { DONE, EventReader, ROLE, say, STOP, withoutUsage } from './stream-provider.js';

const stage = GatewayStage.forAll();

describe('trap 15: what is passed on and not stored', () => {
  it.each([400, 404, 422, 429, 500, 503])('a %i, with its body', async (status) => {
    const body = question();
    const error = { error: { message: 'their words', type: 'x', param: null, code: 'theirs' } };
    for (let round = 0; round < 2; round += 1) {
      const pending = stage.gateway.post(body);
      (await stage.provider.next()).json(status, error, { 'retry-after': '7', 'set-cookie': 'a=b' });
      const response = await pending;
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual(error);
      expect(response.headers.get('retry-after')).toBe('7');
      expect(response.headers.get('set-cookie')).toBeNull();
    }
    expect(stage.provider.calls).toBe(2);
  });

  it.each([
    ['a length', say('x').replace('"finish_reason":null', '"finish_reason":"length"') + DONE],
    ['a filter', say('x').replace('"finish_reason":null', '"finish_reason":"content_filter"') + DONE],
    ['no terminal event', ROLE + say('x') + STOP],
    ['an error in band', `${ROLE}data: {"error":{"message":"overloaded"}}\n\n${DONE}`],
  ])('a stream with %s', async (_, stream) => {
    const body = question({ stream: true });
    for (let round = 0; round < 2; round += 1) {
      const response = await stage.answered(body, {}, stream);
      expect(cacheHeaders(response)[0]).toBe('MISS');
      expect(await response.text()).toBe(withoutUsage(stream));
    }
    expect(stage.gateway.events.filter((event) => event === 'kept stored')).toEqual([]);
  });

  it('trap 21: a stream that dies: what came, then an error event, and nothing stored', async () => {
    const body = question({ stream: true });
    const pending = stage.gateway.post(body);
    const call = await stage.provider.next();
    call.say(ROLE, say('half'));
    const reader = new EventReader(await pending);
    await reader.until('half');
    call.die();
    const text = await reader.rest();
    expect(text.startsWith(withoutUsage(ROLE + say('half')))).toBe(true);
    expect(JSON.parse(text.slice(withoutUsage(ROLE + say('half')).length + 'data: '.length))).toEqual({
      error: { message: expect.any(String), type: 'server_error', param: null, code: 'upstream_died' },
    });
    expect(cacheHeaders(await stage.answered(body))[0]).toBe('MISS');
    expect(stage.gateway.ledger.calls.at(-2)?.outcome).toMatchObject({ status: 'failed', usage: null });
  });

  it.each([
    ['dies in the middle', [ROLE, say('half')], 502, 'upstream_died'],
    ['complains in the middle', [ROLE, 'data: {"error":{"message":"overloaded"}}\n\n', DONE], 502, 'upstream_died'],
    ['sends garbage as events', ['data: <html>\n\n', DONE], 502, 'upstream_invalid_response'],
    ['sends no event', [], 502, 'upstream_invalid_response'],
  ])('a provider that %s is an error to one who wants JSON', async (_, events, status, code) => {
    const pending = stage.gateway.post(question());
    (await stage.provider.next()).end(...events);
    const response = await pending;
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.objectContaining({ type: 'server_error', code }) });
  });

  it('a provider that is silent is a 504', async () => {
    const impatient = await stage.start({ upstream: { timeoutMs: 300 } });
    try {
      const response = await impatient.post(question());
      expect(response.status).toBe(504);
      expect(await response.json()).toEqual({ error: expect.objectContaining({ code: 'upstream_timeout' }) });
    } finally {
      await impatient.stop();
    }
  });
});
