import type { RequestInput } from './cached-route-options.js';
import { coveredRequest } from './watched-request.js';

/** As Fastify has it, and as Express: its `query` is made anew from the URL for whoever asks, and cannot be set. */
const REQUESTS = {
  Fastify: (): RequestInput => ({ params: { id: '1' }, query: { q: 'a' }, body: { text: 't' }, headers: {} }),
  Express: (): RequestInput => {
    const prototype = Object.create(null, { query: { get: () => ({ q: 'a' }) } }) as Pick<RequestInput, 'query'>;
    const made = Object.create(prototype) as Pick<RequestInput, 'query'>;
    return Object.assign(made, { params: { id: '1' }, body: { text: 't' }, headers: {} });
  },
};

describe.each(Object.entries(REQUESTS))('trap 7: a request of %s', (_framework, requestOf) => {
  test.each<[string, (input: RequestInput) => unknown, string]>([
    ['query', ({ query }) => query['q'], 'query.q'],
    ['params', ({ params }) => params['id'], 'params.id'],
    ['body', ({ body }) => (body as { text: string }).text, 'body.text'],
  ])('may be read by its handler where the key has read it: %s', async (_part, part, path) => {
    const request = requestOf();
    const handle = async (): Promise<unknown> => part(request);
    const enough = coveredRequest('route', request, part, handle, []);
    await expect(enough.load()).resolves.toBe(enough.key);
    const small = coveredRequest('route', request, () => 'key', handle, []);
    await expect(small.load()).rejects.toMatchObject({ code: 'key_coverage', path });
    const ignored = coveredRequest('route', request, () => 'key', handle, [path]);
    await expect(ignored.load()).resolves.toBe(enough.key);
  });

  test('is afterwards what it was', async () => {
    const request = requestOf();
    const before = Object.getOwnPropertyDescriptors(request);
    await coveredRequest(
      'route',
      request,
      ({ query }) => query['q'],
      async () => request.query['q'],
      [],
    ).load();
    expect(Object.getOwnPropertyDescriptors(request)).toEqual(before);
    expect(request.query).toEqual({ q: 'a' });
  });
});
