import { randomBytes } from 'node:crypto';
import { SECRETS, testApi } from '../test-api.js';
import { onConfigurations, pathsOf, TOKEN } from './stage.js';

onConfigurations('configuration', (stage) => {
  const { cli, get, post } = stage;

  it('trap 30: no secret is found in an answer, a log, Redis, PostgreSQL or the audit log', async () => {
    const secrets = {
      token: TOKEN,
      db: 'postgres://app:sentinel-url@db/x',
      list: [{ client_secret: 'sentinel-nested-secret' }],
    };
    const answers = [
      await post('/api/providers/leak', secrets).expect(201),
      await get('/api/providers/leak'),
      await get('/api/providers'),
      await get('/api/configurations/leak'),
      await post('/api/providers/leak/refresh', {}),
      await post('/api/providers/leak', { ...secrets, base_url: 'nonsense' }).expect(422),
      await post('/api/configurations/leak', { value: secrets, type: 'system' }).expect(409),
      await get('/v1/audit', stage.api.admin),
      await get('/metrics', stage.api.admin),
      await get('/v1/keyspace/explain?key=config:leak', stage.api.admin),
    ];
    const rows = [
      await stage.tables.selectFrom('configurations').selectAll().execute(),
      await stage.tables.selectFrom('audit_log').selectAll().execute(),
    ];
    const inRedis = await cli<string | null>((redis) => redis.get('config:leak'));
    const places = [...answers.map(({ text }) => text), JSON.stringify(rows), String(inRedis), stage.api.logged()];
    for (const place of places) expect(place).not.toContain('sentinel');
    expect(JSON.stringify(answers.map(({ body }) => body as object))).toContain('configuration.create');
  });

  it('is read with the old key after a rotation, and needs it no more once it was sent back', async () => {
    await post('/api/providers/github', { token: TOKEN }).expect(201);
    const fresh = randomBytes(32).toString('base64');
    const rotating = await testApi({ ...stage.places, ENCRYPTION_KEY: `${fresh},${SECRETS.encryptionKey}` });
    const { body } = await get('/api/providers/github', stage.records, rotating).expect(200);
    expect(body).toMatchObject({ token: 'ghp_…123' });
    await post('/api/providers/gitlab', { token: TOKEN }, stage.records).expect(201);
    await post('/api/providers/github', body as object, stage.records, rotating).expect(200);
    await rotating.close();
    const rotated = await testApi({ ...stage.places, ENCRYPTION_KEY: fresh });
    expect((await get('/api/providers/github', stage.records, rotated).expect(200)).body).toMatchObject({
      token: 'ghp_…123',
    });
    const { body: closed } = await get('/api/providers/gitlab', stage.records, rotated).expect(200);
    expect(closed).toMatchObject({ token: '…' });
    expect(pathsOf(await post('/api/providers/gitlab', closed as object, stage.records, rotated).expect(422))).toEqual([
      'token',
    ]);
    await rotated.close();
  });
});
