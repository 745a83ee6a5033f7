import { ClientConfigurations } from '@promptsales/configuration';
import { onConfigurations, pathsOf, TOKEN } from './stage.js';

onConfigurations('configuration', (stage) => {
  const { cli, get, post, put, remove } = stage;

  it('of systems is any object, with a type', async () => {
    const value = { host: 'mail.example', password: 'correct horse battery', retries: [1, 2], nothing: null };
    const created = await post('/api/configurations/smtp', { value, type: 'system' }).expect(201);
    expect(created.body).toEqual({
      key: 'smtp',
      type: 'system',
      value: { ...value, password: 'corr…ery' },
      updated_at: expect.any(String),
    });
    expect((await get('/api/configurations/smtp').expect(200)).body).toEqual(created.body);
    await post('/api/configurations/smtp', { value: (created.body as { value: object }).value, type: 'system' }).expect(
      200,
    );
    await post('/api/providers/github', { token: TOKEN }).expect(201);
    expect((await get('/api/configurations/github').expect(200)).body).toMatchObject({
      type: 'provider',
      value: { token: 'ghp_…123' },
    });
    for (const body of [
      { value: [], type: 'system' },
      { value: {}, type: 'other' },
      { type: 'system' },
      { value: {}, type: 'system', x: 1 },
    ]) {
      await post('/api/configurations/bad', body).expect(400);
    }
    await get('/api/configurations/bad').expect(404);
  });

  it('that a part of the platform reads is checked before it is stored, all at once', async () => {
    const at = '/api/configurations/ai_generation';
    const wrong = { model: '', mensajes: 'tres', params: { stream: true } };
    const refused = await post(at, { value: wrong, type: 'system' }).expect(422);
    expect(pathsOf(refused)).toEqual(['model', 'mensajes', 'params.stream']);
    expect(pathsOf(await post(at, { value: {}, type: 'provider' }).expect(422))).toEqual(['type']);
    expect(pathsOf(await post('/api/providers/ai_generation', { token: TOKEN }).expect(422))).toEqual(['type']);
    await get(at).expect(404);
    await post(at, { value: { model: 'gpt-4o', mensajes: 5, note: 'ours' }, type: 'system' }).expect(201);
  });

  it('can be removed, whatever its type, by those whose it is', async () => {
    const at = '/api/configurations/removable';
    await remove(at).expect(404);
    const stored = await post(at, { value: { host: 'mail.example' }, type: 'system' }).expect(201);
    await get(at).expect(200);
    await remove(at, stage.acme).expect(404);
    await remove(at, { ...stage.records, 'if-match': '"old"' }).expect(412);
    await remove(at, { ...stage.records, 'if-match': stored.headers['etag'] as string }).expect(204);
    await get(at, stage.records, stage.other).expect(404);
    // Its name is free for the other type.
    await post('/api/providers/removable', { token: TOKEN }).expect(201);
    await remove(at).expect(204);
    expect((await get('/api/providers/removable')).status).toBe(404);
  });

  it('of clients is what redis-cli shows, and is validated', async () => {
    const crm = {
      tools_acceso: ['generateImage'],
      rate_limit: '500/minuto',
      max_requests_hora: 1000,
      estado: 'activo',
    };
    await get('/v1/clients/crm/config').expect(404);
    const created = await put('/v1/clients/crm/config', crm).expect(201);
    expect(created.body).toEqual(crm);
    expect(await cli((redis) => redis.hgetall('config:client:crm'))).toEqual({
      tools_acceso: '["generateImage"]',
      rate_limit: '500/minuto',
      max_requests_hora: '1000',
      estado: 'activo',
    });
    expect(await cli((redis) => redis.ttl('config:client:crm'))).toBeGreaterThan(3000);
    const shown = await get('/v1/clients/crm/config', stage.records, stage.other).expect(200);
    expect([shown.body, shown.headers['x-cache'], shown.headers['etag']]).toEqual([
      crm,
      'HIT',
      created.headers['etag'],
    ]);
    const clients = stage.other.app.get(ClientConfigurations);
    expect(await clients.permissions('crm', 'default')).toEqual({
      tools: ['generateImage'],
      rate: { requests: 500, windowSeconds: 60 },
      maxRequestsPerHour: 1000,
      active: true,
    });
    expect(await clients.permissions('crm', 'acme')).toBeNull();
    await put('/v1/clients/crm/config', { ...crm, estado: 'suspendido' }).expect(200);
    expect(await clients.permissions('crm', 'default')).toMatchObject({ active: false });
    expect((await get('/v1/clients/crm/config', stage.records, stage.other).expect(200)).body).toMatchObject({
      estado: 'suspendido',
    });
    await put('/v1/clients/crm/config', crm, { ...stage.records, 'if-match': '"old"' }).expect(412);
    for (const [change, path] of [
      [{ rate_limit: 'rápido' }, 'rate_limit'],
      [{ rate_limit: '5/siglo' }, 'rate_limit'],
      [{ max_requests_hora: -1 }, 'max_requests_hora'],
      [{ tools_acceso: [7] }, 'tools_acceso'],
      [{ estado: '' }, 'estado'],
      [{ unknown: 1 }, 'unknown'],
    ] as const) {
      expect(pathsOf(await put('/v1/clients/crm/config', { ...crm, ...change }).expect(400))).toEqual([path]);
    }
  });
});
