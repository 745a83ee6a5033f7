import { keyspace, RedisRoles } from '@promptsales/cache-core';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

interface Lock {
  readonly name: string;
  readonly owner: string;
  readonly token: number;
  readonly expires_at: string;
}

describe('locks over HTTP', () => {
  let redis: TestRedis;
  let api: TestApi;
  let acme: Record<string, string>;
  let globex: Record<string, string>;

  /** What stands in Redis at a key. */
  const stored = (key: string): Promise<string | null> =>
    api.app
      .get(RedisRoles)
      .link('state')
      .readAt(key, (client) => client.get(key));
  const take = (name: string, body: object = {}, key = acme) =>
    request(api.server).post(`/v1/locks/${name}`).set(key).send(body);
  const extend = (name: string, body: object, key = acme) =>
    request(api.server).put(`/v1/locks/${name}`).set(key).send(body);
  const release = (name: string, owner: string, key = acme) =>
    request(api.server).delete(`/v1/locks/${name}`).query({ owner }).set(key);

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
    api = await testApi({ REDIS_URL: redis.url });
    [acme, globex] = await Promise.all([api.keyOf('acme', ['jobs']), api.keyOf('globex', ['jobs'])]);
  });

  afterAll(async () => {
    await api.close();
    await redis.kill();
  });

  it('are taken, extended and released by their owner, with a number that rises', async () => {
    const first = (await take('report', { ttl_seconds: 600 }).expect(201)).body as Lock;
    expect(first).toMatchObject({ name: 'report', owner: expect.stringMatching(/^[\w.-]{20,}$/) });
    expect(Date.parse(first.expires_at) - Date.now()).toBeGreaterThan(300_000);
    expect(await stored('tenant:acme:lock:report')).toBe(first.owner);

    const refused = await take('report')
      .expect(409)
      .expect('content-type', /^application\/problem\+json/);
    expect(refused.body).toMatchObject({ code: 'lock_held', status: 409, instance: '/v1/locks/report' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(600);
    // The owner's id entitles to release: it is nobody else's to know.
    expect(refused.text).not.toContain(first.owner);

    const extended = (await extend('report', { owner: first.owner, ttl_seconds: 3000 }).expect(200)).body as Lock;
    expect(extended).toMatchObject({ name: 'report', owner: first.owner, token: first.token });
    expect(Date.parse(extended.expires_at)).toBeGreaterThan(Date.parse(first.expires_at) + 1_000_000);

    await release('report', first.owner).expect(204);
    expect(await stored('tenant:acme:lock:report')).toBeNull();
    const second = (await take('report', { owner: 'cron-1' }).expect(201)).body as Lock;
    expect(second.owner).toBe('cron-1');
    expect(second.token).toBeGreaterThan(first.token);
    await request(api.server).delete('/v1/locks/report').set(acme).send({ owner: 'cron-1' }).expect(204);
  });

  it('are taken with nothing said but their name', async () => {
    const began = Date.now();
    const answer = await request(api.server).post('/v1/locks/bare').set(acme).expect(201);
    const { owner, expires_at: end } = answer.body as Lock;
    expect(Date.parse(end) - began).toBeGreaterThan(20_000);
    await release('bare', owner).expect(204);
  });

  it('are not another’s to change', async () => {
    await take('mine', { owner: 'a' }).expect(201);
    expect((await extend('mine', { owner: 'b' }).expect(409)).body).toMatchObject({ code: 'not_lock_holder' });
    expect((await release('mine', 'b').expect(409)).body).toMatchObject({ code: 'not_lock_holder' });
    expect((await take('mine', { owner: 'a' }).expect(409)).body).toMatchObject({ code: 'lock_held' });
    await release('mine', 'a').expect(204);
    await release('mine', 'a').expect(404);
    expect((await extend('mine', { owner: 'a' }).expect(409)).body).toMatchObject({ code: 'not_lock_holder' });
  });

  it('are each tenant’s own', async () => {
    await take('shared', { owner: 'a' }).expect(201);
    await take('shared', { owner: 'a' }, globex).expect(201);
    await release('shared', 'a', globex).expect(204);
    await extend('shared', { owner: 'a' }).expect(200);
    await release('shared', 'a').expect(204);
  });

  it('can be waited for', async () => {
    const { owner } = (await take('queue', { ttl_seconds: 600 }).expect(201)).body as Lock;
    const waiting = take('queue', { wait_ms: 30_000 }).then((answer) => answer);
    await release('queue', owner).expect(204);
    expect((await waiting).status).toBe(201);
  });

  it('trap 12: have whatever name a caller likes, and never another key', async () => {
    for (const name of ['content_generation:42', 'a/b', '..', '*', 'ñandú', 'x'.repeat(900)]) {
      const path = encodeURIComponent(name).replaceAll('.', '%2E');
      const { body } = await take(path, { owner: 'a' }).expect(201);
      expect((body as Lock).name).toBe(name);
      await take(path, { owner: 'b' }).expect(409);
      expect(await stored(keyspace.lockNamed.at({ name }, 'acme').key)).toBe('a');
      await release(path, 'a').expect(204);
    }
  });

  it.each([
    ['a time that is none', { ttl_seconds: 'long' }, 400],
    ['a field that is not known', { ttl: 3 }, 400],
    ['an owner that is no text', { owner: 7 }, 400],
    ['no time at all', { ttl_seconds: 0 }, 422],
    ['a time before now', { ttl_seconds: -1 }, 422],
    ['a time without end', { ttl_seconds: 3601 }, 422],
    ['a wait without end', { wait_ms: 30_001 }, 422],
    ['an owner of no length', { owner: '' }, 422],
    ['an owner of endless length', { owner: 'x'.repeat(201) }, 422],
  ])('refuse %s', async (_name, body, status) => {
    const answer = await take('checked', body).expect(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(await stored('tenant:acme:lock:checked')).toBeNull();
  });

  it('want to know whose lock is to be released', async () => {
    await request(api.server).delete('/v1/locks/x').set(acme).expect(422);
    await request(api.server).put('/v1/locks/x').set(acme).send({}).expect(400);
  });

  it('want the scope jobs', async () => {
    const reader = await api.keyOf('acme', ['cache', 'analytics']);
    await take('x', {}, reader).expect(403);
    await request(api.server).post('/v1/locks/x').send({}).expect(401);
  });

  it('show the breakers to any key', async () => {
    const reader = await api.keyOf('initech', ['temp']);
    const { body } = await request(api.server).get('/v1/breakers').set(reader).expect(200);
    expect(body).toEqual({ breakers: expect.any(Array) });
    await request(api.server).get('/v1/breakers/nobody').set(reader).expect(404);
    await request(api.server).get('/v1/breakers').expect(401);
  });

  it('cannot be had while Redis is gone, and are again afterwards', async () => {
    await redis.kill();
    const refused = await take('outage').expect(503);
    expect(refused.body).toMatchObject({ code: 'redis_unavailable' });
    expect(refused.headers['retry-after']).toBe('1');
    await release('outage', 'a').expect(503);
    await redis.restart();
    let answer = await take('outage');
    while (answer.status === 503) answer = await take('outage');
    expect(answer.status).toBe(201);
  });
});
