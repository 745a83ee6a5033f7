import { DEFAULT_BREAKER } from '@promptsales/cache-core';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

const SERVICE = 'openai@127.0.0.1:9';

describe('breakers at the edge', () => {
  let api: TestApi;

  beforeAll(async () => {
    // Nobody listens on the port of the test's provider.
    api = await testApi({ UPSTREAM_BREAKER_OPEN_SECONDS: '120' });
  });

  afterAll(() => api.close());

  const get = (path: string) => request(api.server).get(path).set(api.admin);
  const ask = (n: number) =>
    request(api.server)
      .post('/v1/chat/completions')
      .set(api.admin)
      .send({ model: 'm', messages: [{ role: 'user', content: `question ${n}` }] });

  it('are shown from the start, open when the provider is gone, and degrade health', async () => {
    expect((await get('/v1/breakers').expect(200)).body).toEqual({
      breakers: [
        {
          service: SERVICE,
          status: 'closed',
          failures: 0,
          last_failure: null,
          next_check: null,
          as_seen_by: 'fleet',
        },
      ],
    });
    expect((await get('/health').expect(200)).body).toMatchObject({
      details: { circuit_breakers: { status: 'up', open: [] } },
    });

    for (let n = 0; n < DEFAULT_BREAKER.consecutiveFailures; n += 1) {
      expect((await ask(n)).body).toMatchObject({ error: { code: 'upstream_unreachable' } });
    }
    const refused = await ask(-1).expect(503);
    expect(refused.body).toMatchObject({ error: { type: 'server_error', code: 'upstream_circuit_open' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);

    const { body } = await get(`/v1/breakers/${encodeURIComponent(SERVICE)}`).expect(200);
    expect(body).toEqual({
      service: SERVICE,
      status: 'open',
      failures: DEFAULT_BREAKER.consecutiveFailures,
      last_failure: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/),
      next_check: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/),
      as_seen_by: 'fleet',
    });
    expect((await get('/health').expect(200)).body).toMatchObject({
      status: 'degraded',
      details: { circuit_breakers: { status: 'degraded', open: [{ service: SERVICE, status: 'open' }] } },
    });
    const metrics = await get('/metrics').expect(200);
    expect(metrics.text).toMatch(/^circuit_breaker_open\{service="openai@127\.0\.0\.1:9".*\} 1$/m);
    expect(metrics.text).toMatch(/^circuit_breaker_changes_total\{.*status="open".*\} 1$/m);
  });

  it('trap 30: strangers learn no host from health', async () => {
    const { body, text } = await request(api.server).get('/health').expect(200);
    expect(body).not.toHaveProperty('details');
    expect(text).not.toContain('127.0.0.1');
  });
});
