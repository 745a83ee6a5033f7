import { ADMIN_KEY, sampleEdge, type SampleEdge } from './sample-edge.js';

const nested = (levels: number): string => '{"name":'.repeat(levels) + '1' + '}'.repeat(levels);

describe('errors of every origin', () => {
  let edge: SampleEdge;

  beforeAll(async () => {
    edge = await sampleEdge();
  });

  afterAll(() => edge.app.close());

  const post = (payload: string | Buffer, contentType: string | undefined = 'application/json') =>
    edge.fastify.inject({
      method: 'POST',
      url: '/things',
      payload,
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
      },
    });

  it('lists every fault of a body with its path', async () => {
    const answer = await post(JSON.stringify({ name: 'x', leaf: { size: 0, colour: 'red' }, extra: 1 }));
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    const body = answer.json<{ code: string; errors: { path: string }[] }>();
    expect(body.code).toBe('validation_failed');
    expect(body.errors.map(({ path }) => path).toSorted()).toEqual(['extra', 'leaf.colour', 'leaf.size', 'name']);
  });

  it('says of each field one thing, the kind of value that is expected', async () => {
    const answer = await post(JSON.stringify({ leaf: { size: 'large' } }));
    expect(answer.json<{ errors: object[] }>().errors).toEqual([
      { path: 'name', message: 'name must be a string' },
      { path: 'leaf.size', message: 'size must be an integer number' },
    ]);
    expect((await post('{"leaf":{"size":1}}')).json()).toMatchObject({ detail: 'name: name must be a string' });
  });

  it.each([
    ['malformed JSON', '{"name": ', 400, 'malformed_json'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'invalid_utf8'],
    ['__proto__ in the body', '{"__proto__": {"admin": true}, "name": "ab"}', 400, 'forbidden_member'],
    ['__proto__ that is escaped', '{"leaf": {"__pr\\u006fto__": 1}}', 400, 'forbidden_member'],
    ['__proto__ in half a body', '{"__proto__": {"admin": true}', 400, 'malformed_json'],
    ['constructor.prototype in the body', '{"constructor": {"prototype": {"admin": true}}}', 400, 'forbidden_member'],
    ['a body that nests deeper than anything real', nested(513), 400, 'body_too_deep'],
    ['a body that nests deeper than the stack is', nested(100_000), 400, 'body_too_deep'],
    ['a body that nests as deep as is taken', nested(512), 400, 'validation_failed'],
    ['a bare scalar', '7', 400, 'validation_failed'],
    ['null', 'null', 400, 'validation_failed'],
    ['an empty body', '', 400, 'validation_failed'],
    ['a body over the cap', JSON.stringify({ name: 'x'.repeat(10 * 1024 * 1024) }), 413, 'body_too_large'],
  ])('trap 12: answers %s', async (_name, payload, status, code) => {
    const answer = await post(payload);
    expect({ status: answer.statusCode, ...answer.json<object>() }).toMatchObject({ status, code });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense'])(
    'answers 415 to %s',
    async (type) => {
      const answer = await post('{"name":"ab"}', type);
      expect(answer.statusCode).toBe(415);
      expect(answer.json()).toMatchObject({ code: 'unsupported_media_type' });
    },
  );

  it('takes a JSON type with a suffix and parameters', async () => {
    const answer = await post('{"name":"ab","leaf":{"size":1}}', 'application/vnd.x+json; charset=utf-8');
    expect(answer.statusCode).toBe(201);
  });

  it('says nothing of an unexpected error but logs it with the id of the request, without secrets', async () => {
    const answer = await edge.fastify.inject({
      method: 'GET',
      url: '/things/secret-failure',
      headers: { 'x-request-id': 'req-77' },
    });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toMatch(/hunter2|postgres|at .*\.ts/);
    expect(answer.json()).toMatchObject({ code: 'internal_error', instance: '/things/secret-failure' });
    expect(edge.logged()).toContain('"request_id":"req-77"');
    expect(edge.logged()).not.toContain('root:hunter2');
  });

  it('lets a controller speak by an HTTP exception', async () => {
    const answer = await edge.fastify.inject({ method: 'GET', url: '/things/17' });
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'not_found', detail: 'no thing 17' });
  });

  it('takes a DELETE that names JSON and has no body', async () => {
    const answer = await edge.fastify.inject({
      method: 'DELETE',
      url: '/things/1',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.statusCode).toBe(204);
  });

  it.each(['GET', 'POST', 'DELETE', 'PATCH'] as const)(
    'answers %s of an unknown route in both shapes, whatever the body',
    async (method) => {
      const answer = await edge.fastify.inject({
        method,
        url: '/v1/nothing?token=secret-in-query',
        ...(method === 'GET' ? {} : { payload: '<x/>', headers: { 'content-type': 'text/xml' } }),
      });
      expect(answer.statusCode).toBe(404);
      expect(answer.json()).toMatchObject({
        code: 'unknown_route',
        instance: '/v1/nothing',
        error: {
          message: expect.stringContaining('/v1/nothing'),
          type: 'invalid_request_error',
          code: 'unknown_route',
        },
      });
      expect(answer.body).not.toContain('secret-in-query');
    },
  );

  it.each(['GET', 'PUT'] as const)(
    'answers %s of a route whose parameter is empty as an unknown one',
    async (method) => {
      const answer = await edge.fastify.inject({ method, url: '/things/' });
      expect(answer.statusCode).toBe(404);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.json()).toMatchObject({ code: 'unknown_route', instance: '/things/' });
    },
  );

  it('answers 405 with Allow where the path exists', async () => {
    const answer = await edge.fastify.inject({ method: 'PUT', url: '/things/whoami' });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers.allow).toBe('DELETE, GET, HEAD');
    const options = await edge.fastify.inject({ method: 'OPTIONS', url: '/things' });
    expect(options.statusCode).toBe(204);
    expect(options.headers.allow).toBe('POST');
  });

  it.each(['/%zz', '/things/%ff', '/things/%E0%A4%A'])('answers the malformed path %s with 400 or 404', async (url) => {
    const answer = await edge.fastify.inject({ method: 'GET', url });
    expect([400, 404]).toContain(answer.statusCode);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['x-request-id']).toEqual(expect.any(String));
  });

  it('answers a path segment of 5 kB', async () => {
    const answer = await edge.fastify.inject({ method: 'GET', url: `/things/${'a'.repeat(5000)}` });
    expect(answer.statusCode).toBe(414);
    expect(answer.json()).toMatchObject({ code: 'uri_too_long' });
  });

  it('returns a sane request id as it came and replaces any other', async () => {
    const idOf = async (id?: string): Promise<unknown> =>
      (
        await edge.fastify.inject({
          method: 'GET',
          url: '/maybe',
          headers: id === undefined ? {} : { 'x-request-id': id },
        })
      ).headers['x-request-id'];
    expect(await idOf('trace-1.2:3/4')).toBe('trace-1.2:3/4');
    for (const bad of ['', 'a b', 'x'.repeat(129), '"}{', 'ñ', undefined]) {
      expect(await idOf(bad)).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    }
  });

  it('trap 30: counts requests by template, never by path', async () => {
    const before = edge.answered.length;
    await edge.fastify.inject({ method: 'GET', url: '/things/tenant-acme' });
    await edge.fastify.inject({ method: 'GET', url: '/users/alice' });
    await edge.fastify.inject({ method: 'PROPFIND' as 'GET', url: '/users/bob' });
    expect(edge.answered.slice(before)).toEqual(['GET /things/:id 404', 'GET unmatched 404', 'other unmatched 404']);
  });
});
