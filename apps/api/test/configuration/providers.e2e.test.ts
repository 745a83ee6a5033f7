import request from 'supertest';
import { onConfigurations, pathsOf, TOKEN } from './stage.js';

onConfigurations('configured providers', (stage) => {
  const { cli, raw, get, post, remove } = stage;

  const github = { base_url: 'https://api.github.com', token: TOKEN, user: 'octocat', rate_limit: '500/minuto' };

  it('are stored, shown with masked secrets, listed, refreshed and removed', async () => {
    const created = await post('/api/providers/github', github).expect(201);
    expect(created.body).toEqual({
      ...github,
      token: 'ghp_…123',
      config_key: 'github',
      updated_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const shown = await get('/api/providers/github').expect(200);
    expect(shown.body).toEqual(created.body);
    expect(shown.headers).toMatchObject({ 'x-cache': 'HIT', etag: created.headers['etag'] });
    await post('/api/providers/aws', { user: 'x' }).expect(201);
    const page = await get('/api/providers?limit=1').expect(200);
    expect(page.body).toMatchObject({ providers: [{ config_key: 'aws' }] });
    const { next_cursor: cursor } = page.body as { next_cursor: string };
    const last = await get(`/api/providers?limit=1&cursor=${cursor}`).expect(200);
    expect(last.body).toMatchObject({ providers: [{ config_key: 'github', token: 'ghp_…123' }], next_cursor: null });
    await cli((redis) => redis.flushdb());
    expect((await post('/api/providers/github/refresh', {}).expect(200)).body).toEqual(created.body);
    expect((await get('/api/providers/github').expect(200)).headers['x-cache']).toBe('HIT');
    await remove('/api/providers/github').expect(204);
    await get('/api/providers/github').expect(404);
    await remove('/api/providers/github').expect(404);
    await post('/api/providers/github/refresh', {}).expect(404);
    expect(await cli((redis) => redis.exists('config:github', 'config:api:github'))).toBe(0);
  });

  it('are what redis-cli shows: types, fields, TTLs, and no secret', async () => {
    await post('/api/providers/github', github).expect(201);
    expect(await cli((redis) => redis.type('config:github'))).toBe('string');
    expect(await raw('config:github')).toMatchObject({ base_url: github.base_url, user: 'octocat' });
    expect(await cli((redis) => redis.get('config:github'))).not.toContain('sentinel');
    expect(await cli((redis) => redis.ttl('config:github'))).toBeGreaterThan(200);
    expect(await cli((redis) => redis.ttl('config:github'))).toBeLessThanOrEqual(300);
    expect(await cli((redis) => redis.type('config:api:github'))).toBe('hash');
    expect(await cli((redis) => redis.hgetall('config:api:github'))).toEqual({
      status: 'active',
      rate_limit: '500/minuto',
      endpoints: '{"base_url":"https://api.github.com"}',
      last_updated: expect.stringMatching(/Z$/),
    });
    expect(await cli((redis) => redis.ttl('config:api:github'))).toBeGreaterThan(3000);
  });

  it('keep their secret when its mask is sent back, and say where a mask stands for nothing', async () => {
    const nested = {
      ...github,
      accounts: [
        { name: 'a', api_key: `${TOKEN}-a` },
        { name: 'b', api_key: `${TOKEN}-b` },
      ],
    };
    const { body } = await post('/api/providers/github', nested).expect(201);
    const sealedBefore = (await raw('config:github'))?.['token'];
    await post('/api/providers/github', { ...(body as object), user: 'hubot' }).expect(200);
    const { body: again } = await get('/api/providers/github').expect(200);
    expect(again).toMatchObject({
      token: 'ghp_…123',
      user: 'hubot',
      accounts: [{ api_key: 'ghp_…3-a' }, { api_key: 'ghp_…3-b' }],
    });
    expect(typeof sealedBefore).toBe('string');
    const bad = { ...(body as object), token: 'ghp_…999', more: { password: '…' } };
    const refused = await post('/api/providers/github', bad).expect(422);
    expect(refused.body).toMatchObject({ code: 'secret_mask' });
    expect(pathsOf(refused)).toEqual(['token', 'more.password']);
    expect((await get('/api/providers/github').expect(200)).body).toEqual(again);
    expect(pathsOf(await post('/api/providers/new', { token: 'ghp_…123' }).expect(422))).toEqual(['token']);
    await get('/api/providers/new').expect(404);
  });

  it('are changed by one of two writers who suppose the same', async () => {
    const { headers } = await post('/api/providers/github', github).expect(201);
    const tag = headers['etag'] as string;
    const writes = [1, 2].map((user) =>
      post(
        '/api/providers/github',
        { ...github, user: `${user}` },
        { ...stage.records, 'if-match': tag },
        user === 1 ? stage.api : stage.other,
      ),
    );
    const statuses = (await Promise.all(writes)).map(({ status }) => status);
    expect(statuses.toSorted((one, two) => one - two)).toEqual([200, 412]);
    await post('/api/providers/github', github, { ...stage.records, 'if-none-match': '*' }).expect(412);
    await post('/api/providers/gitlab', github, { ...stage.records, 'if-none-match': '*' }).expect(201);
    await post('/api/providers/nothing', github, { ...stage.records, 'if-match': '*' }).expect(412);
    await request(stage.api.server)
      .delete('/api/providers/github')
      .set({ ...stage.records, 'if-match': tag })
      .expect(412);
  });

  it('of another type or of other names are refused, with the place', async () => {
    await post('/api/configurations/smtp', { value: { host: 'x' }, type: 'system' }).expect(201);
    await post('/api/providers/smtp', github).expect(409);
    await get('/api/providers/smtp').expect(404);
    await post('/api/configurations/smtp', { value: {}, type: 'provider' }).expect(409);
    for (const [body, paths] of [
      [{ base_url: 'ftp://x' }, ['base_url']],
      [{ base_url: 'https://user:secret@host' }, ['base_url']],
      [{ models: 'gpt-4o', token: 5 }, ['token', 'models']],
      [{ price_overrides: { m: { input: '-1' } } }, ['price_overrides.m.input']],
      [{ config_key: 'gitlab' }, ['config_key']],
      [{ _config: {} }, ['_config']],
    ] as const) {
      expect([body, pathsOf(await post('/api/providers/github', body).expect(422))]).toEqual([body, paths]);
    }
    for (const body of ['[1]', '"text"', '7', 'null', '']) await post('/api/providers/github', body).expect(400);
    await get('/api/providers/github').expect(404);
  });
});
