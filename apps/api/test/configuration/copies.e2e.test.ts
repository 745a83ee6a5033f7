import { Cache, encodeValue, keyspace } from '@promptsales/cache-core';
import { onConfigurations, TOKEN } from './stage.js';

onConfigurations('configuration', (stage) => {
  const { cli, raw, get, post, put, remove } = stage;

  describe('its copies in Redis', () => {
    it('are counted over their own family, names without the prefix', async () => {
      await post('/api/providers/github', { token: TOKEN }).expect(201);
      await post('/api/configurations/a:b*', { value: {}, type: 'system' }).expect(201);
      await put('/v1/clients/crm/config', {
        tools_acceso: [],
        rate_limit: '1/h',
        max_requests_hora: 1,
        estado: 'activo',
      });
      await post('/api/providers/github', { token: TOKEN }, stage.acme).expect(201);
      await cli((redis) => redis.mset({ 'configuration:x': '{}', 'app:config': '1', 'config:api:x': '{}' }));
      expect((await get('/api/cache/stats').expect(200)).body).toEqual({
        success: true,
        total_cached_configs: 2,
        cached_keys: ['a:b*', 'github'],
        complete: true,
        redis_info: { connected: true, ttl_seconds: 300 },
      });
      expect((await get('/api/cache/stats', stage.acme).expect(200)).body).toMatchObject({ cached_keys: ['github'] });
    });

    it('are tested by a value that others find', async () => {
      expect((await get('/api/cache/test').expect(200)).body).toMatchObject({
        success: true,
        connected: true,
        error: null,
      });
      expect(await raw('test:connection')).toMatchObject({ success: true });
      expect(await cli((redis) => redis.ttl('test:connection'))).toBeGreaterThan(0);
    });

    it('are dropped one by one', async () => {
      await post('/api/providers/github', { token: TOKEN }).expect(201);
      await post('/api/providers/gitlab', { token: TOKEN }).expect(201);
      await remove('/api/cache/github').expect(204);
      expect(await cli((redis) => redis.exists('config:github'))).toBe(0);
      expect(await cli((redis) => redis.exists('config:gitlab'))).toBe(1);
      expect((await get('/api/providers/github').expect(200)).headers['x-cache']).toBe('MISS');
      expect(await cli((redis) => redis.exists('config:github'))).toBe(1);
    });

    it('trap 3: DELETE /api/cache clears the three families, github_repos and test:connection, and nothing else', async () => {
      await post('/api/providers/github', { token: TOKEN }).expect(201);
      await put('/v1/clients/crm/config', {
        tools_acceso: [],
        rate_limit: '1/h',
        max_requests_hora: 1,
        estado: 'activo',
      });
      await get('/api/cache/test').expect(200);
      const repos = keyspace.githubRepos.at({ user: 'octocat' });
      await stage.api.app.get(Cache).put({ ref: repos }, { stored: encodeValue(keyspace.githubRepos, []) });
      // Written by others, without anything of ours beside them.
      await cli((redis) => redis.mset({ 'config:legacy': '{}', 'github_repos:other': '[]' }));
      const neighbours = [
        'configuration:x',
        'config',
        'app:config',
        'lead:x',
        'xconfig:y',
        'github_repos',
        'test:other',
      ];
      await cli((redis) => redis.mset(Object.fromEntries(neighbours.map((key) => [key, '1']))));
      await post('/api/providers/github', { token: TOKEN }, stage.acme).expect(201);
      await remove('/api/cache').expect(204);
      const left = await cli<string[]>((redis) => redis.keys('*'));
      const acmes = ['tenant:acme:config:github', 'tenant:acme:config:api:github'];
      expect(left.filter((key) => !/^(meta|version|lease|change)/.test(key)).toSorted()).toEqual(
        [...neighbours, ...acmes, ...left.filter((key) => key.startsWith('cache_operation'))].toSorted(),
      );
      expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ token: 'ghp_…123' });
      expect((await get('/api/cache/stats').expect(200)).body).toMatchObject({ cached_keys: ['github'] });
    });
  });

  it('believes no copy that is not its own, whatever lies there', async () => {
    await post('/api/providers/github', { user: 'octocat' }).expect(201);
    const ref = keyspace.configKey.at({ key: 'github' });
    for (const foreign of [{}, { user: 'x', _config: 7 }, { user: 'x', _config: { type: 'provider' } }]) {
      await stage.api.app.get(Cache).put({ ref }, { stored: encodeValue(keyspace.configKey, foreign) });
      expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'octocat' });
    }
    for (const text of ['not JSON', '{"user":"x"}', '[]']) {
      await cli((redis) => redis.set('config:github', text));
      expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'octocat' });
    }
    await cli((redis) => redis.multi().del('config:github').rpush('config:github', 'x').exec());
    expect((await get('/api/providers/github').expect(200)).body).toMatchObject({ user: 'octocat' });
  });
});
