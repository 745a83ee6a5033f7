import { ruleFor } from '@promptsales/http-edge';
import { Validator } from '@seriousme/openapi-schema-validator';
import request from 'supertest';
import { accessRules } from '../src/access/access-rules.js';
import { METHODS, openApiPath, operationsOf } from '../src/openapi/document.js';
import { SECRETS, testApi, type TestApi } from './test-api.js';

type Document = Parameters<typeof operationsOf>[0];

/** Served without being described: the description itself and its page. */
const UNDESCRIBED = new Set(['get /openapi.json', 'get /docs', 'get /docs/', 'get /docs/{asset}']);

const DESCRIBED: ReadonlySet<string> = new Set(METHODS);

describe('the OpenAPI document', () => {
  let api: TestApi;
  let document: Document;

  beforeAll(async () => {
    api = await testApi();
    const answer = await request(api.server).get('/openapi.json').expect(200);
    document = answer.body as Document;
  });

  afterAll(() => api.close());

  it('is valid OpenAPI 3.1', async () => {
    const served = (await request(api.server).get('/openapi.json')).body as Parameters<Validator['validate']>[0];
    const result = await new Validator().validate(served);
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  it('describes every route that is registered, and no other', () => {
    const described = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
    const registered = api.adapter.routes
      .all()
      // A service takes more methods than OpenAPI has words for.
      .filter(({ method }) => method !== 'HEAD' && DESCRIBED.has(method.toLowerCase()))
      .map(({ method, pattern }) => `${method.toLowerCase()} ${openApiPath(pattern)}`)
      .filter((route) => !UNDESCRIBED.has(route));
    expect(described.toSorted()).toEqual(registered.toSorted());
  });

  it('has a route behind every line of the access table', () => {
    const registered = new Set(api.adapter.routes.all().map(({ method, pattern }) => `${method} ${pattern}`));
    const dead = Object.keys(accessRules({ metricsPublic: false })).filter((route) => !registered.has(route));
    expect(dead).toEqual([]);
  });

  it('says of each operation whether it wants a key, as it is enforced', () => {
    const table = accessRules({ metricsPublic: false });
    for (const { method, pattern } of api.adapter.routes.all()) {
      const operation = operationsOf(document).find(
        (one) => one.method === method.toLowerCase() && one.path === openApiPath(pattern),
      );
      if (operation === undefined) continue;
      const open = operation.operation.security?.length === 0;
      expect({ pattern, open }).toEqual({ pattern, open: ruleFor(table, method, pattern)?.access === 'open' });
    }
  });

  it('has an id of its own for each operation and a summary for each', () => {
    const operations = operationsOf(document).map(({ operation }) => operation);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(operations.filter(({ summary }) => summary === undefined || summary === '')).toEqual([]);
  });

  it('is shown at /docs by parts that are all served from here', async () => {
    const page = await request(api.server)
      .get('/docs')
      .expect(200)
      .expect('content-type', /^text\/html/);
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(parts.length).toBeGreaterThanOrEqual(4);
    for (const part of parts) {
      expect(part).toMatch(/^\/docs\//);
      const answer = await request(api.server).get(part).expect(200);
      await request(api.server).get(part).set('if-none-match', String(answer.headers['etag'])).expect(304);
    }
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect((await request(api.server).get('/docs/').expect(200)).text).toBe(page.text);
    await request(api.server).get('/docs/..%2fpackage.json').expect(404);
  });

  it('trap 30: neither the document nor the page holds a secret', async () => {
    const page = await request(api.server).get('/docs');
    const text = JSON.stringify(document) + page.text;
    for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
  });
});
