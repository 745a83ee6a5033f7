import request from 'supertest';
import { apiPlaces, type ApiPlaces } from './api-places.js';
import type { TestApi } from './test-api.js';

type Headers = Record<string, string>;

describe('policies over HTTP', () => {
  let places: ApiPlaces;
  let api: TestApi;
  let other: TestApi;
  let acme: Headers;
  let colleague: Headers;
  let asked = 0;

  const put = (name: string, body: object | string, key: Headers = api.admin) =>
    request(api.server).put(`/v1/llm/policies/${name}`).set(key).type('application/json').send(body);
  const get = (path = '', key: Headers = api.admin, on = api) =>
    request(on.server).get(`/v1/llm/policies${path}`).set(key);
  const remove = (name: string) => request(api.server).delete(`/v1/llm/policies/${name}`).set(api.admin);
  const question = (): object => {
    asked += 1;
    return { model: 'gpt-4o-mini', messages: [{ role: 'user', content: `question ${asked}` }] };
  };
  const ask = async (body: object, key: Headers = acme, on = api): Promise<string> => {
    const { headers } = await request(on.server).post('/v1/chat/completions').set(key).send(body).expect(200);
    return String(headers['x-cache']);
  };

  beforeAll(async () => {
    places = await apiPlaces();
    [api, other] = [await places.api(), await places.api()];
    [acme, colleague] = [await api.keyOf('acme', ['llm']), await api.keyOf('acme', ['llm'])];
  });

  afterAll(() => places.stop());

  afterEach(async () => {
    const { body } = await get().expect(200);
    for (const { name } of (body as { policies: { name: string }[] }).policies) {
      if (name === 'default') await put(name, { mode: 'all' }).expect(200);
      else await remove(encodeURIComponent(name)).expect(204);
    }
  });

  it('there is one called default, which can be changed and not deleted', async () => {
    const { body } = await get('/default').expect(200);
    expect(body).toMatchObject({
      name: 'default',
      match: {},
      mode: 'all',
      share: 'tenant',
      semantic: { enabled: false },
    });
    await remove('default').expect(409);
    await put('default', { mode: 'off' }).expect(200);
    expect(await ask(question())).toBe('BYPASS');
    expect((await get('').expect(200)).body).toMatchObject({
      policies: [{ name: 'default', mode: 'off' }],
      next_cursor: null,
    });
  });

  it('are made, shown, replaced, listed by page and removed', async () => {
    const varied = { match: { model: 'gpt-4o' }, mode: 'bucket', bucket: 2, ttl: 60, share: 'key' };
    const made = await put('varied%20ones', varied).expect(201);
    expect(made.body).toMatchObject({ name: 'varied ones', ...varied });
    expect((await get('/varied%20ones').expect(200)).body).toEqual(made.body);
    await put('varied%20ones', made.body as object).expect(200);
    await put('another', { mode: 'all' }).expect(201);
    const first = (await get('?limit=2').expect(200)).body as { policies: { name: string }[]; next_cursor: string };
    expect(first.policies.map(({ name }) => name)).toEqual(['another', 'default']);
    const rest = (await get(`?limit=2&cursor=${first.next_cursor}`).expect(200)).body as typeof first;
    expect([rest.policies.map(({ name }) => name), rest.next_cursor]).toEqual([['varied ones'], null]);
    await remove('another').expect(204);
    await get('/another').expect(404);
    await remove('another').expect(404);
  });

  it('are for administrators, and each change of them is audited', async () => {
    const strangers = await api.keyOf('acme', ['llm', 'records', 'cache']);
    await put('mine', { mode: 'off' }, strangers).expect(403);
    await get('', strangers).expect(403);
    await request(api.server).get('/v1/llm/policies').expect(401);
    await put('mine', { mode: 'off' }).expect(201);
    await put('mine', { mode: 'all' }).expect(200);
    await remove('mine').expect(204);
    const { body } = await request(api.server).get('/v1/audit?limit=3').set(api.admin).expect(200);
    const { entries } = body as { entries: { action: string; target: string; detail: object }[] };
    expect(entries.map(({ action, target }) => [action, target])).toEqual([
      ['llm_policy.delete', 'llm_policy:mine'],
      ['llm_policy.replace', 'llm_policy:mine'],
      ['llm_policy.create', 'llm_policy:mine'],
    ]);
    expect(entries[1]?.detail).toMatchObject({ before: { mode: 'off' }, after: { mode: 'all' } });
  });

  it.each<[string, object | string, number, string | null]>([
    ['a', { mode: 'sometimes' }, 400, 'mode'],
    ['a', { mode: 'all', models: ['x'] }, 400, 'models'],
    ['a', { mode: 'all', match: { key: 'k' } }, 400, 'match.key'],
    ['a', { mode: 'bucket' }, 400, 'bucket'],
    ['a', [], 400, ''],
    ['a', '"all"', 400, ''],
    ['a', '{"mode":', 400, null],
    ['default', { mode: 'all', match: { model: 'x' } }, 400, 'match'],
    ['a%00b', { mode: 'all' }, 400, 'name'],
  ])('%s %j is refused with %i', async (name, body, status, path) => {
    const answer = await put(name, body).expect(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    const { errors } = answer.body as { errors?: { path: string }[] };
    expect(errors?.[0]?.path ?? null).toBe(path);
    expect(((await get().expect(200)).body as { policies: object[] }).policies).toHaveLength(1);
  });

  it('hold here at once and within a second on other processes', async () => {
    const body = question();
    expect([await ask(body), await ask(body), await ask(body, acme, other)]).toEqual(['MISS', 'HIT', 'HIT']);
    await put('off', { match: { tenant: 'acme' }, mode: 'off' }).expect(201);
    expect(await ask(body)).toBe('BYPASS');
    while ((await ask(body, acme, other)) !== 'BYPASS') await new Promise((resolve) => setTimeout(resolve, 50));
    await remove('off').expect(204);
    expect(await ask(body)).toBe('HIT');
  });

  it('decide what is kept, for how long and for whom', async () => {
    await put('exact', { mode: 'deterministic' }).expect(201);
    const free = question();
    const fixed = { ...question(), temperature: 0 };
    expect([await ask(free), await ask(free)]).toEqual(['BYPASS', 'BYPASS']);
    expect([await ask(fixed), await ask(fixed)]).toEqual(['MISS', 'HIT']);
    await remove('exact').expect(204);

    const shared = question();
    expect([await ask(shared), await ask(shared, colleague)]).toEqual(['MISS', 'HIT']);
    await put('apart', { match: { tenant: 'acme' }, mode: 'all', share: 'key' }).expect(201);
    expect([await ask(shared), await ask(shared, colleague), await ask(shared)]).toEqual(['MISS', 'MISS', 'HIT']);
    await put('together', { match: { model: 'gpt-4o-mini', tenant: 'acme' }, mode: 'all', share: 'all' }).expect(201);
    expect([await ask(shared), await ask(shared, api.admin)]).toEqual(['MISS', 'MISS']);

    await put('short', { match: { tenant: 'acme', model: 'gpt-4o-mini' }, mode: 'all', ttl: 30 }).expect(201);
    const brief = question();
    await ask(brief);
    const hit = await request(api.server).post('/v1/chat/completions').set(acme).send(brief).expect(200);
    expect(Number(/ttl=(\d+)/.exec(String(hit.headers['cache-status']))?.[1])).toBeLessThanOrEqual(30);

    await put('varied', { match: { tenant: 'acme', model: 'gpt-4o-mini' }, mode: 'bucket', bucket: 2 }).expect(201);
    const varied = question();
    const turns = [];
    for (let turn = 0; turn < 4; turn += 1) turns.push(await ask(varied));
    expect(turns).toEqual(['MISS', 'MISS', 'HIT', 'HIT']);
  });
});
