import { cacheHeaders, GatewayStage, HIT } from './gateway-stage.js';
import { question } from './questions.js';
import { DONE, ROLE, say, STOP, USAGE_CHUNK } from './stream-provider.js';

const stage = GatewayStage.forAll();

describe('trap 17: whose answer it is', () => {
  it('is not another tenant’s, nor that of another base URL', async () => {
    const body = await stage.known();
    expect(cacheHeaders(await stage.answered(body, { 'x-test-tenant': 'other' }))[0]).toBe('MISS');
    const { baseUrl } = stage.gateway.target;
    stage.gateway.target.baseUrl = `${baseUrl}/again`;
    try {
      expect(cacheHeaders(await stage.answered(body))[0]).toBe('MISS');
    } finally {
      stage.gateway.target.baseUrl = baseUrl;
    }
    expect(cacheHeaders(await stage.gateway.post(body))).toEqual(HIT);
  });

  it('is that of all keys of the tenant, or of one key, as the policy says', async () => {
    expect(cacheHeaders(await stage.gateway.post(await stage.known(), { authorization: 'Bearer k2' }))).toEqual(HIT);
    const own = await stage.known({ model: 'own-model' });
    expect(cacheHeaders(await stage.gateway.post(own))).toEqual(HIT);
    expect(cacheHeaders(await stage.answered(own, { authorization: 'Bearer k2' }))[0]).toBe('MISS');
  });
});

describe('trap 7: through POST /v1/chat/completions nobody gets an answer', () => {
  /** Asks as he would; a body of the answer's own says whose it is. */
  const asks = async (body: object, headers: Record<string, string>, mine: string): Promise<string> => {
    const asking = stage.gateway.post(body, headers);
    const answering = stage.provider.next().then((call) => call.end(ROLE + say(mine) + STOP + USAGE_CHUNK + DONE));
    const response = await asking;
    if (response.headers.get('x-cache') === 'MISS') await answering;
    else stage.provider.reset();
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
      expect(await (await stage.gateway.post(body)).text()).toContain('first');
      expect(await (await stage.gateway.post(body, headers)).text()).toContain('second');
      expect(stage.provider.calls).toBe(2);
      stage.provider.reset();
    }
  });

  it('of another base URL, nor joins a call that is under way for another', async () => {
    const body = question();
    const { baseUrl } = stage.gateway.target;
    const first = stage.gateway.post(body);
    const here = await stage.provider.next();
    stage.gateway.target.baseUrl = `${baseUrl}/again`;
    try {
      const second = stage.gateway.post(body);
      const there = await stage.provider.next();
      expect([here.call.url, there.call.url]).toEqual(['/v1/chat/completions', '/v1/again/chat/completions']);
      there.end(ROLE + say('there') + STOP + USAGE_CHUNK + DONE);
      expect(await (await second).text()).toContain('there');
      const hit = await stage.gateway.post(body);
      expect([hit.headers.get('x-cache'), await hit.text()]).toEqual(['HIT', expect.stringContaining('there')]);
    } finally {
      stage.gateway.target.baseUrl = baseUrl;
    }
    here.end(ROLE + say('here') + STOP + USAGE_CHUNK + DONE);
    expect(await (await first).text()).toContain('here');
    expect(await (await stage.gateway.post(body)).text()).toContain('here');
  });

  it('but that of another credential of the same tenant, which its policy shares', async () => {
    const body = await stage.known();
    expect((await stage.gateway.post(body, { authorization: 'Bearer k2' })).headers.get('x-cache')).toBe('HIT');
  });
});
