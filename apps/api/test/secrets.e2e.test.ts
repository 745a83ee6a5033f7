import request from 'supertest';
import { SECRETS, testApi, type TestApi } from './test-api.js';

const PRIVATE = {
  bearer: 'psk_sentinel_bearer_0123456789',
  apiKey: 'sentinel-x-api-key-0123456789',
  cookie: 'sentinel-cookie-0123456789',
  body: 'sentinel-body-0123456789',
  query: 'sentinel-query-0123456789',
  user: 'sentinel-user-0123456789',
  tenant: 'sentinel-tenant-0123456789',
} as const;

describe('trap 30: secrets and identities', () => {
  let api: TestApi;
  const answers: string[] = [];

  beforeAll(async () => {
    api = await testApi();
    const { body } = await request(api.server)
      .post('/v1/keys')
      .set(api.admin)
      .send({ name: PRIVATE.tenant, tenant: PRIVATE.tenant, scopes: ['llm', 'analytics'] })
      .expect(201);
    const { key } = body as { key: string };
    const asTenant = { authorization: `Bearer ${key}`, 'x-user-id': PRIVATE.user, cookie: `s=${PRIVATE.cookie}` };
    const strangers = [{ authorization: `Bearer ${PRIVATE.bearer}` }, { 'x-api-key': PRIVATE.apiKey }];
    const all = [asTenant, api.admin, ...strangers];
    for (const headers of all) {
      for (const path of [
        '/health',
        '/health/redis',
        '/v1/keys',
        '/v1/savings',
        '/v1/prices',
        '/nothing',
        '/docs',
        '/openapi.json',
      ]) {
        answers.push((await request(api.server).get(`${path}?token=${PRIVATE.query}`).set(headers)).text);
      }
      for (const text of [`{"name":"${PRIVATE.body}"`, JSON.stringify({ secret: PRIVATE.body })]) {
        const asked = request(api.server).post('/v1/keys').set(headers).type('application/json');
        answers.push((await asked.send(text)).text);
      }
      const chat = { model: 'm', messages: [{ role: 'user', content: PRIVATE.body }] };
      answers.push((await request(api.server).post('/v1/chat/completions').set(headers).send(chat)).text);
    }
    answers.push(key);
  });

  afterAll(() => api.close());

  const secrets = [
    ...Object.values(SECRETS),
    PRIVATE.bearer,
    PRIVATE.apiKey,
    PRIVATE.cookie,
    PRIVATE.body,
    PRIVATE.query,
  ];

  it('are not in the log, not even at debug', () => {
    const created = answers.pop() ?? '';
    expect(created).toMatch(/^psk_/);
    const log = api.logged();
    expect(log.length).toBeGreaterThan(1000);
    for (const secret of [...secrets, created]) expect(log).not.toContain(secret);
    expect(log).not.toMatch(/authorization|x-api-key|"cookie"/i);
  });

  it('are not in any answer', () => {
    expect(answers.length).toBeGreaterThan(30);
    for (const text of answers) for (const secret of secrets) expect(text).not.toContain(secret);
  });

  it('are not in metrics, which have labels from closed sets only', async () => {
    const { text } = await request(api.server).get('/metrics').set(api.admin).expect(200);
    for (const value of [...secrets, PRIVATE.user, PRIVATE.tenant]) expect(text).not.toContain(value);
    const labels = new Set([...text.matchAll(/(?:[{,])(\w+)="/g)].map(([, name]) => name));
    expect([...labels].filter((name) => /tenant|user|key|token|model|campan|client/i.test(name ?? ''))).toEqual([]);
    expect(text).toContain('http_requests_total{method="GET",route="unmatched",status="404",service="api"}');
    expect(text).toContain('route="/v1/keys"');
  });

  it('guards /metrics by a key, unless it is public or switched off', async () => {
    const statusOf = async (env: NodeJS.ProcessEnv, withKey: boolean): Promise<number> => {
      const other = await testApi(env);
      const asked = request(other.server).get('/metrics');
      const { status } = await (withKey ? asked.set(other.admin) : asked);
      await other.close();
      return status;
    };
    expect(await statusOf({}, false)).toBe(401);
    expect(await statusOf({ METRICS_PUBLIC: 'true' }, false)).toBe(200);
    expect(await statusOf({ ENABLE_METRICS: 'false' }, true)).toBe(404);
  });
});
