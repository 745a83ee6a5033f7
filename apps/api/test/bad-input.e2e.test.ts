import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

describe('bad input to the platform’s own routes', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await testApi();
  });

  afterAll(() => api.close());

  const problem = (status: number, code: string) => ({
    status,
    code,
    type: `urn:promptsales:error:${code}`,
    title: expect.any(String),
    detail: expect.any(String),
    instance: expect.any(String),
  });

  it('answers malformed JSON, invalid UTF-8, a body over the cap and another type, and changes nothing', async () => {
    const post = () => request(api.server).post('/v1/keys').set(api.admin);
    const json = 'application/json';
    const cases = [
      await post().type(json).send('{"name":'),
      await post()
        .type(json)
        .send(`{"name":"${'x'.repeat(10 * 1024 * 1024)}"}`),
      await post().type('text/plain').send('name=x'),
    ];
    expect(cases.map(({ body }) => body as unknown)).toEqual([
      problem(400, 'malformed_json'),
      problem(413, 'body_too_large'),
      problem(415, 'unsupported_media_type'),
    ]);
    const notUtf8 = await api.app.inject({
      method: 'POST',
      url: '/v1/keys',
      headers: { ...api.admin, 'content-type': json },
      payload: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect(notUtf8.json()).toEqual(problem(400, 'invalid_utf8'));
    for (const { headers } of cases) expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    const { body } = await request(api.server).get('/v1/keys').set(api.admin).expect(200);
    expect(body).toMatchObject({ keys: [] });
  });

  it('names every field that is wrong', async () => {
    const { body } = await request(api.server)
      .post('/v1/keys')
      .set(api.admin)
      .send({ name: '', scopes: ['fly'], colour: 'red' })
      .expect(400);
    expect(body).toMatchObject(problem(400, 'validation_failed'));
    const paths = (body as { errors: { path: string }[] }).errors.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['name', 'tenant', 'scopes', 'colour']));
  });

  it('answers 422 to a key of an unknown plan or of no scopes, with what there is', async () => {
    const draft = { name: 'n', tenant: 'acme', scopes: [], plan: 'gold' };
    const { body } = await request(api.server).post('/v1/keys').set(api.admin).send(draft).expect(422);
    expect(body).toMatchObject({
      ...problem(422, 'unprocessable'),
      errors: [{ path: 'scopes' }, { path: 'plan', message: 'plan must be one of standard, unlimited' }],
    });
    expect((await request(api.server).get('/v1/keys').set(api.admin)).body).toMatchObject({ keys: [] });
  });

  it('answers an unknown route so that an SDK shows its message', async () => {
    const { body } = await request(api.server).post('/v1/chat/complete').send({}).expect(404);
    expect(body).toMatchObject({
      ...problem(404, 'unknown_route'),
      error: { message: expect.stringContaining('/v1/chat/complete') },
    });
  });

  it('answers a bad key, the wrong scope, and another method', async () => {
    expect((await request(api.server).get('/v1/keys').set('authorization', 'Bearer psk_wrong')).body).toEqual(
      problem(401, 'unauthenticated'),
    );
    const created = await request(api.server)
      .post('/v1/keys')
      .set(api.admin)
      .send({ name: 'reader', tenant: 'acme', scopes: ['llm'] })
      .expect(201);
    const { key, id } = created.body as { key: string; id: string };
    const asReader = { authorization: `Bearer ${key}` };
    expect((await request(api.server).get('/v1/keys').set(asReader)).body).toEqual(problem(403, 'forbidden'));
    expect((await request(api.server).get('/v1/savings').set(asReader)).body).toEqual(problem(403, 'forbidden'));
    const wrongMethod = await request(api.server).get('/v1/chat/completions').set(api.admin).expect(405);
    expect(wrongMethod.body).toMatchObject({ code: 'method_not_allowed', error: { code: 'method_not_allowed' } });
    const put = await request(api.server).put('/v1/keys').set(api.admin).expect(405);
    expect(put.headers['allow']).toBe('GET, HEAD, POST');
    await request(api.server).delete(`/v1/keys/${id}`).set(api.admin).expect(204);
    await request(api.server).get('/metrics').set(asReader).expect(401);
    expect((await request(api.server).delete('/v1/keys/nobody').set(api.admin)).body).toEqual(
      problem(404, 'not_found'),
    );
  });

  it('does not show a tenant the savings of another, nor whether it exists', async () => {
    const make = async (tenant: string, scopes: string[]) =>
      (await request(api.server).post('/v1/keys').set(api.admin).send({ name: tenant, tenant, scopes }).expect(201))
        .body as { key: string; id: string };
    const acme = await make('acme', ['analytics']);
    const { body } = await request(api.server)
      .get('/v1/savings')
      .query({ tenant: 'globex' })
      .set('x-api-key', acme.key)
      .expect(403);
    expect(JSON.stringify(body)).not.toContain('globex');
  });

  it('answers 503 with Retry-After for what needs the database, and goes on, while it is gone', async () => {
    const { startPostgres } = await import('@promptsales/test-kit');
    const postgres = await startPostgres();
    const lonely = await testApi({ DATABASE_URL: postgres.url });
    await postgres.kill();
    const { body, headers } = await request(lonely.server)
      .post('/v1/keys')
      .set(lonely.admin)
      .send({ name: 'x', tenant: 'acme', scopes: ['llm'] })
      .expect(503);
    expect(body).toEqual(problem(503, 'database_unavailable'));
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    await request(lonely.server).get('/health/live').expect(200);
    await lonely.close();
  });
});
