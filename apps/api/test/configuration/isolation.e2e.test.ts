import { onConfigurations, TOKEN } from './stage.js';

onConfigurations('configuration', (stage) => {
  const { get, post, put, remove } = stage;

  it('trap 7: is a tenant’s own, and what serves all tenants only administrators change', async () => {
    await post('/api/providers/github', { token: TOKEN, user: 'default' }).expect(201);
    await get('/api/providers/github', stage.acme).expect(404);
    await get('/api/configurations/github', stage.acme).expect(404);
    expect((await get('/api/providers', stage.acme).expect(200)).body).toEqual({ providers: [], next_cursor: null });
    await remove('/api/providers/github', stage.acme).expect(404);
    await post('/api/providers/github', { user: 'acme' }, stage.acme).expect(201);
    await remove('/api/cache', stage.acme).expect(204);
    expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'default' });
    await post('/api/providers/openai', { base_url: 'http://127.0.0.1:9/v1' }, stage.api.admin).expect(201);
    await post('/api/providers/openai', { base_url: 'http://evil.example' }).expect(403);
    await post('/api/configurations/openai', { value: {}, type: 'provider' }).expect(403);
    await remove('/api/providers/openai').expect(403);
    await remove('/api/providers/openai', stage.api.admin).expect(204);
    const stranger = await stage.api.keyOf('default', ['llm', 'cache', 'analytics']);
    for (const path of ['/api/providers', '/api/configurations/github', '/api/cache/stats', '/v1/clients/crm/config']) {
      await get(path, stranger).expect(403);
      await get(path, {}).expect(401);
    }
  });

  it('trap 12: hostile names stay in their family and hostile values change nothing', async () => {
    const names = [
      'api:x',
      '*',
      '..%2F..',
      '{a}',
      'a%3Ab',
      '__proto__',
      'constructor',
      '%F0%9F%98%80',
      'client',
      '[a-z]',
      'a%20b',
    ];
    for (const name of names) {
      await post(`/api/providers/${name}`, { user: name, token: TOKEN }).expect(201);
      expect((await get(`/api/providers/${name}`).expect(200)).body).toMatchObject({ user: name, token: 'ghp_…123' });
    }
    expect((await get('/api/cache/stats').expect(200)).body).toMatchObject({ total_cached_configs: names.length });
    await remove('/api/cache/*').expect(204);
    expect((await get('/api/cache/stats').expect(200)).body).toMatchObject({ total_cached_configs: names.length - 1 });
    for (const name of ['%00', 'a%0Ab', '%20a', 'x'.repeat(201)]) {
      for (const answer of [
        await post(`/api/providers/${name}`, {}),
        await get(`/api/providers/${name}`),
        await get(`/api/configurations/${name}`),
        await get(`/v1/clients/${name}/config`),
        await remove(`/api/cache/${name}`),
        await remove(`/api/providers/${name}`),
        await post(`/api/providers/${name}/refresh`, {}),
      ]) {
        expect([name, answer.status]).toEqual([name, 422]);
      }
    }
    await post('/api/providers/odd', '{"__proto__": {"x": 1}}').expect(400);
    const odd = String.raw`{"nul": "a\u0000b", "lone": "\ud800", "token": "\u0000\u0000\u0000\u0000aaaaaaaaaaaa"}`;
    await post('/api/providers/odd', odd).expect(201);
    expect(
      (await get('/api/providers/odd', { ...stage.records, 'cache-control': 'no-cache' }).expect(200)).body,
    ).toMatchObject({
      nul: 'a\0b',
      token: '\0\0\0\0…aaa',
    });
    const oddNames = String.raw`{"a\u0000b": 1, "\ud800": {"token\u0000": "aaaaaaaaaaaaaaaa"}}`;
    await post('/api/providers/odd-names', oddNames).expect(201);
    expect((await get('/api/providers/odd-names').expect(200)).body).toMatchObject({ 'a\0b': 1 });
    const oddClient = { tools_acceso: ['a\0b'], rate_limit: '1/h', max_requests_hora: 1, estado: 'activo' };
    await put('/v1/clients/odd/config', oddClient).expect(201);
    expect((await get('/v1/clients/odd/config').expect(200)).body).toEqual(oddClient);
    await post('/api/providers/odd', { note: 'x'.repeat(300_000) }).expect(422);
    await get('/api/providers?cursor=x').expect(400);
  });
});
