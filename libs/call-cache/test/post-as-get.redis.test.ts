import { FamilyGlob } from '@promptsales/cache-core';
import { until } from '@promptsales/test-kit';
import type { ServerResponse } from 'node:http';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';
import { REDIS_PLACES, type RedisPlace } from './redis-places.js';

const RUN = { dryRun: false, signal: new AbortController().signal };

/** RFC 9110 §9.3.3: the answer to a POST that says what a GET of the same place would bring, and for how long. */
describe.each(REDIS_PLACES)('a POST that brings what a GET would, kept on %s', (_name, startPlace) => {
  let redis: RedisPlace;
  let origin: Origin;
  let a: ProxyServer;
  let b: ProxyServer;
  let paths = 0;
  let path: string;
  /** Answers to POSTs, in the order in which they came. */
  let waiting: ServerResponse[];

  beforeAll(async () => {
    redis = await startPlace();
    origin = await startOrigin();
    a = await startProxy(redis.home, { services: [service(origin.url)] });
    b = await startProxy(redis.home, { services: [service(origin.url)] });
  });

  afterAll(async () => {
    await Promise.all([a?.close(), b?.close()]);
    await origin?.close();
    await redis?.stop();
  });

  beforeEach(() => {
    paths += 1;
    path = `/p${paths}`;
    waiting = [];
    origin.handler = ({ method }, response) => {
      if (method === 'POST') waiting.push(response);
      else if (method === 'GET') response.writeHead(200, { 'cache-control': 'max-age=100' }).end('got');
      else response.writeHead(204).end();
    };
  });

  const at = (process: ProxyServer) => `${process.url}/proxy/origin${path}`;
  const post = async (process: ProxyServer) => {
    const before = waiting.length;
    const asked = ask(at(process), { method: 'POST', body: 'x' });
    await until(() => waiting.length > before);
    return { asked };
  };
  const answered = (which: number, body: string) =>
    waiting[which]?.writeHead(200, { 'cache-control': 'max-age=100', 'content-location': path }).end(body);

  it('is kept in place of what was', async () => {
    await ask(at(b));
    const { asked } = await post(a);
    answered(0, 'posted');
    expect(await asked).toMatchObject({ status: 200, body: 'posted' });
    expect(await ask(at(b))).toMatchObject({ body: 'posted' });
  });

  it.each([
    ['another change', () => ask(at(b), { method: 'PUT', body: 'x' })],
    ['an invalidation of all that the service said', () => b.cache.invalidateTag('service:origin')],
    [
      'an invalidation of all such entries',
      () => b.cache.invalidateMatching(FamilyGlob.parse('api:call:origin:get:*'), RUN),
    ],
  ])('trap 1: is not kept when %s was completed after it was sent', async (_what, between) => {
    const { asked } = await post(a);
    await between();
    answered(0, 'before that');
    expect(await asked).toMatchObject({ status: 200, body: 'before that' });
    expect(await ask(at(b))).toMatchObject({ body: 'got' });
    expect(await ask(at(a))).toMatchObject({ body: 'got' });
  });

  it('trap 1: of two under way at once, neither is kept over the other', async () => {
    const { asked: first } = await post(a);
    const { asked: second } = await post(b);
    answered(1, 'second');
    await second;
    answered(0, 'first');
    await first;
    expect(await ask(at(a))).toMatchObject({ body: 'got' });
  });

  it('keeps no reader waiting while it is under way', async () => {
    const { asked } = await post(a);
    expect(await ask(at(b))).toMatchObject({ body: 'got' });
    answered(0, 'posted');
    await asked;
  });
});
