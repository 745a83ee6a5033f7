import { once } from 'node:events';
import { request as openRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { until } from '@promptsales/test-kit';
import { PathPattern, type Service } from '../src/index.js';
import { ask } from './ask.js';
import { startOrigin, type Handler, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';
import { REDIS_PLACES, type RedisPlace } from './redis-places.js';

const FRESH = { 'cache-control': 'max-age=100' };

describe.each(REDIS_PLACES)('calls through the cache, kept on %s', (_name, startPlace) => {
  let redis: RedisPlace;
  let origin: Origin;
  let a: ProxyServer;
  let b: ProxyServer;
  let paths = 0;
  let path: string;

  beforeAll(async () => {
    redis = await startPlace();
    origin = await startOrigin();
    const services: Service[] = [
      service(origin.url),
      service(origin.url, { name: 'open', forwardAuthorization: true }),
      service(origin.url, {
        name: 'hour',
        ttl: 3600,
        ttlRules: [{ path: new PathPattern('/op/*'), ttl: 60, override: true, name: 'generateImage' }],
      }),
      service(origin.url, { name: 'lookup', ttl: 3600, lookupPosts: [new PathPattern('/search')] }),
      service(origin.url, { name: 'resting', breaker: { consecutiveFailures: 1, firstOpenMs: 100_000 } }),
      service(origin.url, { name: 'narrow', concurrency: 1 }),
      service(origin.url, {
        name: 'broken',
        breaker: { consecutiveFailures: 2, firstOpenMs: 100_000 },
        staleIfError: 0,
      }),
    ];
    a = await startProxy(redis.home, { services });
    b = await startProxy(redis.home, { services });
  });

  afterAll(async () => {
    await Promise.all([a?.close(), b?.close()]);
    await origin?.close();
    await redis?.stop();
  });

  beforeEach(() => {
    origin.seen.length = 0;
    paths += 1;
    path = `/p${paths}`;
  });

  const at = (name = 'origin', process = a): string => `${process.url}/proxy/${name}${path}`;
  const answers = (body: string, headers: Record<string, string | string[]> = FRESH, status = 200): void => {
    origin.handler = (_request, response) => void response.writeHead(status, headers).end(body);
  };

  it('one call for any number of callers in two processes', async () => {
    origin.handler = (_request, response) => void setTimeout(() => response.writeHead(200, FRESH).end('once'), 100);
    const all = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(at('origin', n % 2 === 0 ? a : b))));
    expect(new Set(all.map(({ body }) => body))).toEqual(new Set(['once']));
    expect(origin.seen).toHaveLength(1);
    expect(all.filter(({ headers }) => headers['x-cache'] === 'MISS')).toHaveLength(1);
  });

  it('says of the answer what only the platform says, whatever the service calls its own', async () => {
    const own = { 'x-cache': 'HIT from edge', 'x-request-id': 'theirs', 'cache-status': 'edge; hit' };
    const said = async (more: Parameters<typeof ask>[1] = {}) => {
      const { headers, message } = await ask(at(), more);
      const ids = message.rawHeaders.filter((name) => name.toLowerCase() === 'x-request-id');
      expect([ids.length, headers['x-request-id'] === 'theirs']).toEqual([1, false]);
      expect(headers['cache-status']).toMatch(/(?:^|, )promptsales; /);
      return headers['x-cache'];
    };
    answers('x', { ...FRESH, ...own, etag: '"1"' });
    expect([await said(), await said(), await said({ method: 'PUT' })]).toEqual(['MISS', 'HIT', 'BYPASS']);
    answers('x', { ...FRESH, ...own, etag: '"1"' });
    expect(await said()).toBe('MISS');
    origin.handler = (_request, response) => void response.writeHead(304, { ...FRESH, ...own, etag: '"1"' }).end();
    expect(await said({ headers: { 'cache-control': 'no-cache' } })).toBe('REFRESH');
    expect(await said()).toBe('HIT');
  });

  it('what may not be kept is nobody else’s, however many wait', async () => {
    let count = 0;
    origin.handler = (_request, response) => {
      count += 1;
      const body = String(count);
      setTimeout(() => response.writeHead(200, { 'cache-control': 'private, max-age=100' }).end(body), 30);
    };
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => ask(at('origin', n % 2 === 0 ? a : b))));
    expect(new Set(all.map(({ body }) => body)).size).toBe(12);
  });

  it('trap 21: the first caller leaves, and the others and the cache get the answer', async () => {
    const go = Promise.withResolvers<void>();
    origin.handler = (_request, response) => {
      response.writeHead(200, FRESH).write('begun ');
      void go.promise.then(() => response.end('ended'));
    };
    const first = openRequest(at(), { agent: false });
    first.on('error', () => undefined);
    first.end();
    await once(first, 'response');
    const asked = [a.asked, b.asked] as const;
    const others = [ask(at()), ask(at('origin', b))];
    await Promise.all([a.settled(asked[0] + 1), b.settled(asked[1] + 1)]);
    first.destroy();
    go.resolve();
    expect((await Promise.all(others)).map(({ body }) => body)).toEqual(['begun ended', 'begun ended']);
    expect(origin.seen).toHaveLength(1);
  });

  it('an answer that breaks off is not kept', async () => {
    origin.handler = (_request, response) => {
      response.writeHead(200, { ...FRESH, 'content-length': '100' }).write('half');
      setTimeout(() => response.destroy(), 20);
    };
    await expect(ask(at())).rejects.toThrow('aborted');
    answers('whole');
    expect(await ask(at())).toMatchObject({ status: 200, body: 'whole' });
  });

  it('a slow-loris service has its deadlines: for the header, and for each silence in the body', async () => {
    const services = [service(origin.url)];
    const beginning: Handler = (_request, response) => void response.writeHead(200, FRESH).write('a little');
    for (const [upstream, handler, end] of [
      [{ headerTimeoutMs: 1000 }, () => undefined, 504],
      [{ idleTimeoutMs: 1000 }, beginning, 'aborted'],
    ] as const) {
      const impatient = await startProxy(redis.home, { services, upstream });
      origin.handler = handler;
      const asking = ask(at('origin', impatient)).then(
        ({ status }) => status,
        ({ message }: Error) => message,
      );
      expect(await asking).toBe(end);
      await impatient.close();
    }
  });

  it('an upload streams, with its trailers left behind, and changes what was kept of the place', async () => {
    answers('one');
    await ask(at());
    origin.handler = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (part: Buffer) => chunks.push(part));
      request.on('end', () => response.writeHead(204, { location: `${path}/made` }).end());
    };
    const outgoing = openRequest(at(), { method: 'PUT', headers: { 'transfer-encoding': 'chunked' }, agent: false });
    outgoing.write('a');
    outgoing.end('b');
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    message.resume();
    expect(message.statusCode).toBe(204);
    expect(origin.seen.at(-1)?.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    answers('two');
    expect(await ask(at('origin', b))).toMatchObject({ body: 'two' });
  });

  it('trap 1: a change while a GET is under way: what the GET brings is not kept', async () => {
    const go = Promise.withResolvers<void>();
    origin.handler = (request, response) => {
      if (request.method === 'POST') response.writeHead(200).end();
      else void go.promise.then(() => response.writeHead(200, { ...FRESH, vary: 'x-a' }).end('old'));
    };
    const first = ask(at());
    await until(() => origin.seen.length === 1);
    await ask(at('origin', b), { method: 'POST', body: 'x' });
    go.resolve();
    expect(await first).toMatchObject({ body: 'old' });
    answers('new', { ...FRESH, vary: 'x-a' });
    expect(await ask(at())).toMatchObject({ body: 'new' });
    expect(await ask(at('origin', b))).toMatchObject({ body: 'new', headers: { 'x-cache': 'HIT' } });
  });

  it('a change that may have been carried out, though no answer came, ends what was kept; one that was never sent does not', async () => {
    answers('one');
    await ask(at());
    origin.handler = (request) => void request.socket.destroy();
    expect(await ask(at(), { method: 'PUT', body: 'x' })).toMatchObject({ status: 502 });
    answers('two');
    expect(await ask(at())).toMatchObject({ body: 'two', headers: { 'x-cache': 'MISS' } });
    answers('kept');
    await ask(at('resting'));
    answers('down', {}, 500);
    await ask(`${at('resting')}/other`);
    expect(await ask(at('resting'), { method: 'PUT', body: 'x' })).toMatchObject({ status: 503 });
    expect(await ask(at('resting'))).toMatchObject({ headers: { 'x-cache': 'HIT' } });
  });

  it('every answer has the tag of its service, by which its tenant invalidates them all', async () => {
    const three = ['/1', '/2', '/3'];
    const asTenant = (tenant: string, asked: string) =>
      ask(`${at()}${asked}`, { headers: { 'x-test-tenant': tenant } });
    // Whether the service was asked: what is just being stored is joined.
    const misses = async (tenant: string) => {
      const all = await Promise.all(three.map((asked) => asTenant(tenant, asked)));
      return all.filter(({ headers }) => headers['x-cache'] === 'MISS').length;
    };
    answers('x', { ...FRESH, vary: 'x-a' });
    for (const tenant of ['acme', 'other']) {
      for (const asked of three) await asTenant(tenant, asked);
      expect(await misses(tenant)).toBe(0);
    }
    await b.cache.invalidateTag('service:origin', 'acme');
    expect(await misses('acme')).toBe(three.length);
    expect(await misses('other')).toBe(0);
  });

  it('answers that differ by what `Vary` names lie side by side, and one change removes them all', async () => {
    origin.handler = (request, response) =>
      void response.writeHead(200, { ...FRESH, vary: 'Accept-Language' }).end(request.headers['accept-language']);
    for (const language of ['de', 'en', 'de', 'en']) {
      const { body } = await ask(at(), { headers: { 'accept-language': language } });
      expect(body).toBe(language);
    }
    expect(origin.seen).toHaveLength(2);
    await ask(at(), { method: 'DELETE' });
    await ask(at(), { headers: { 'accept-language': 'de' } });
    await ask(at('origin', b), { headers: { 'accept-language': 'en' } });
    expect(origin.seen).toHaveLength(5);
  });

  it('`Vary` that grows: nothing kept by less answers any more', async () => {
    origin.handler = (request, response) =>
      void response.writeHead(200, { ...FRESH, vary: 'a' }).end([request.headers['a'], request.headers['b']].join(' '));
    await ask(at(), { headers: { a: '1', b: '1' } });
    origin.handler = (request, response) =>
      void response
        .writeHead(200, { ...FRESH, vary: 'a, b' })
        .end([request.headers['a'], request.headers['b']].join(' '));
    await ask(at(), { headers: { a: '2', b: '1' } });
    // What is new of the URI is stored behind its caller.
    await until(async () => (await ask(at(), { headers: { a: '1', b: '2' } })).body === '1 2');
    for (const two of ['1', '2', '1', '2'])
      expect((await ask(at(), { headers: { a: '1', b: two } })).body).toBe(`1 ${two}`);
  });

  it('trap 23: `Vary: *` is never reused, `Set-Cookie` never kept, and an answer that sets one only when it says for how long', async () => {
    answers('any', { ...FRESH, vary: 'x, *' });
    await ask(at());
    expect((await ask(at())).headers['x-cache']).toBe('MISS');
    path += '/cookie';
    answers('welcome', { ...FRESH, 'set-cookie': 'id=ana' });
    expect((await ask(at())).headers['set-cookie']).toEqual(['id=ana']);
    const { headers } = await ask(at());
    expect([headers['x-cache'], headers['set-cookie']]).toEqual(['HIT', undefined]);
    path += '/silent';
    answers('welcome', { 'set-cookie': 'id=ana' });
    await ask(at('hour'));
    expect((await ask(at('hour'))).headers['x-cache']).toBe('MISS');
  });

  it('trap 7: an answer to one’s own credentials is for him alone, unless it says otherwise', async () => {
    origin.handler = (request, response) =>
      void response.writeHead(200, FRESH).end(request.headers.authorization ?? 'nobody');
    const as = (name: string) => ask(at('open'), { headers: { 'x-api-key': 'k', authorization: name } });
    expect([(await as('ana')).body, (await as('eva')).body]).toEqual(['ana', 'eva']);
    expect((await ask(at('open'), { headers: { 'x-api-key': 'k' } })).body).toBe('nobody');
    // Not forwarded, they are not part of what is asked.
    expect((await ask(at(), { headers: { 'x-api-key': 'k', authorization: 'ana', cookie: 'a=b' } })).body).toBe(
      'nobody',
    );
    expect(origin.seen.at(-1)?.headers.cookie).toBeUndefined();
  });

  it('the key of the platform goes nowhere', async () => {
    answers('x');
    await ask(at('open'), { headers: { authorization: 'Bearer platform-key' } });
    await ask(`${at('open')}/2`, { headers: { 'x-api-key': 'platform-key' } });
    for (const { headers } of origin.seen) expect(JSON.stringify(headers)).not.toContain('platform-key');
  });

  it('trap 23: what is between neighbours stays there, and nobody’s header becomes two', async () => {
    answers('x', { ...FRESH, connection: 'x-secret, keep-alive', 'x-secret': 'hop', 'proxy-authenticate': 'Basic' });
    const { headers } = await ask(at(), {
      headers: {
        connection: 'x-hop',
        'x-hop': '1',
        te: 'trailers',
        'proxy-authorization': 'z',
        'x-forwarded-for': '1.2.3.4',
      },
    });
    expect([headers['x-secret'], headers['proxy-authenticate']]).toEqual([undefined, undefined]);
    const [seen] = origin.seen;
    for (const name of ['x-hop', 'te', 'proxy-authorization', 'x-forwarded-for'])
      expect(seen?.headers[name]).toBeUndefined();
    expect(seen?.headers).toMatchObject({ host: new URL(origin.url).host, via: '1.1 promptsales' });
  });

  it('trap 23: a redirect is handed on and not followed', async () => {
    answers('', { location: 'http://169.254.169.254/latest' }, 302);
    expect(await ask(at())).toMatchObject({ status: 302, headers: { location: 'http://169.254.169.254/latest' } });
    expect(origin.seen).toHaveLength(1);
  });

  it('what is stale is asked about, and is served meanwhile where the answer says so', async () => {
    answers('v1', { 'cache-control': 'max-age=1, stale-while-revalidate=100', etag: '"1"', age: '1' });
    await ask(at());
    origin.handler = (request, response) => {
      expect(request.headers['if-none-match']).toBe('"1"');
      response.writeHead(200, { 'cache-control': 'max-age=100', etag: '"2"' }).end('v2');
    };
    expect(await ask(at())).toMatchObject({ body: 'v1', headers: { 'x-cache': 'STALE' } });
    await until(async () => (await ask(at())).body === 'v2');
    expect(origin.seen).toHaveLength(2);
  });

  it('a 304 renews what is kept, for all', async () => {
    answers('v1', { 'cache-control': 'max-age=1', etag: '"1"', age: '1', 'x-a': '1' });
    await ask(at());
    answers('', { 'cache-control': 'max-age=100', etag: '"1"', 'x-a': '2' }, 304);
    expect(await ask(at())).toMatchObject({ status: 200, body: 'v1', headers: { 'x-a': '2', 'x-cache': 'REFRESH' } });
    expect(await ask(at('origin', b))).toMatchObject({ body: 'v1', headers: { 'x-a': '2', 'x-cache': 'HIT' } });
  });

  it('a 304 that forbids to keep it ends what was kept', async () => {
    answers('v1', { 'cache-control': 'max-age=1', etag: '"1"', age: '1' });
    await ask(at());
    answers('', { 'cache-control': 'no-store', etag: '"1"' }, 304);
    expect(await ask(at())).toMatchObject({ status: 200, body: 'v1' });
    answers('v2');
    expect(await ask(at())).toMatchObject({ body: 'v2' });
    expect(origin.seen.at(-1)?.headers['if-none-match']).toBeUndefined();
  });

  it('when the service fails, what is stale serves for a while, unless it forbids it', async () => {
    answers('v1', { 'cache-control': 'max-age=1', age: '1' });
    await ask(at());
    answers('down', {}, 503);
    expect(await ask(at())).toMatchObject({ status: 200, body: 'v1', headers: { 'x-cache': 'STALE' } });
    path += '/strict';
    answers('v1', { 'cache-control': 'max-age=1, must-revalidate', age: '1', etag: '"1"' });
    await ask(at());
    answers('down', {}, 503);
    expect(await ask(at())).toMatchObject({ status: 503, body: 'down' });
  });

  it('HEAD and ranges are answered from what a GET has brought', async () => {
    answers('0123456789', { ...FRESH, etag: '"1"' });
    await ask(at());
    expect(await ask(at(), { method: 'HEAD' })).toMatchObject({
      body: '',
      headers: { 'content-length': '10', 'x-cache': 'HIT' },
    });
    const range = (value: string, more = {}) => ask(at(), { headers: { range: value, ...more } });
    expect(await range('bytes=2-4')).toMatchObject({
      status: 206,
      body: '234',
      headers: { 'content-range': 'bytes 2-4/10' },
    });
    expect(await range('bytes=-3')).toMatchObject({ status: 206, body: '789' });
    expect(await range('bytes=50-')).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */10' } });
    expect(await range('bytes=2-4', { 'if-range': '"other"' })).toMatchObject({ status: 200, body: '0123456789' });
    expect(origin.seen).toHaveLength(1);
  });

  it('a range of what is not kept whole is kept as that range, until a change of the place', async () => {
    origin.handler = (request, response) => {
      const { range } = request.headers;
      if (request.method !== 'GET') response.writeHead(204).end();
      else if (range === undefined) response.writeHead(200, FRESH).end('0123456789');
      else response.writeHead(206, { ...FRESH, 'content-range': `${range.replace('=', ' ')}/10` }).end(range);
    };
    const range = (value: string, more = {}) => ask(at(), { headers: { range: value, ...more } });
    expect(await range('bytes=0-1')).toMatchObject({ status: 206, body: 'bytes=0-1', headers: { 'x-cache': 'MISS' } });
    expect(await range('bytes=2-3')).toMatchObject({ status: 206, body: 'bytes=2-3', headers: { 'x-cache': 'MISS' } });
    const kept = { status: 206, headers: { 'x-cache': 'HIT', 'content-range': 'bytes 0-1/10' } };
    expect(await range('bytes=0-1')).toMatchObject({ ...kept, body: 'bytes=0-1' });
    expect(await range('bytes=0-1', { 'if-range': '"1"' })).toMatchObject({ headers: { 'x-cache': 'MISS' } });
    await ask(at('origin', b), { method: 'DELETE' });
    expect(await range('bytes=0-1')).toMatchObject({ headers: { 'x-cache': 'MISS' } });
    expect(await ask(at())).toMatchObject({ status: 200, body: '0123456789', headers: { 'x-cache': 'MISS' } });
    expect(await range('bytes=0-1')).toMatchObject({ status: 206, body: '01', headers: { 'x-cache': 'HIT' } });
  });

  it('a service that answers a range with the whole is not kept for that range', async () => {
    answers('0123456789');
    const range = () => ask(at(), { headers: { range: 'bytes=0-1' } });
    expect(await range()).toMatchObject({ status: 200, body: '0123456789' });
    expect(await range()).toMatchObject({ status: 200, headers: { 'x-cache': 'MISS' } });
  });

  it('trailers and early hints come through', async () => {
    origin.handler = (_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.writeHead(200, { trailer: 'x-sum', 'cache-control': 'no-store' });
      response.write('body');
      response.addTrailers({ 'x-sum': '42' });
      response.end();
    };
    let hints = 0;
    const outgoing = openRequest(at(), { agent: false });
    outgoing.on('information', ({ statusCode }) => (hints += statusCode === 103 ? 1 : 0));
    outgoing.end();
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    message.resume();
    await once(message, 'end');
    expect([hints, message.trailers]).toEqual([1, { 'x-sum': '42' }]);
  });

  it('only-if-cached asks nobody; no-store and no-cache do not take what is there', async () => {
    answers('1');
    const { status, body } = await ask(at(), { headers: { 'cache-control': 'only-if-cached' } });
    expect([status, JSON.parse(body)]).toEqual([504, expect.objectContaining({ code: 'not_cached' })]);
    expect(origin.seen).toHaveLength(0);
    await ask(at());
    answers('2');
    expect((await ask(at(), { headers: { 'cache-control': 'no-store' } })).body).toBe('2');
    expect((await ask(at())).body).toBe('1');
    expect((await ask(at(), { headers: { 'cache-control': 'no-cache' } })).body).toBe('2');
    expect(await ask(at())).toMatchObject({ body: '2', headers: { 'x-cache': 'HIT' } });
  });

  it('the lifetime of a service, of a path, and the word of the answer itself', async () => {
    answers('x', {});
    await ask(at('hour'));
    expect((await ask(at('hour'))).headers['cache-status']).toMatch(/^promptsales; hit; ttl=3(5\d\d|600)$/);
    path = `/op${path}`;
    answers('x', { 'cache-control': 'no-cache, max-age=5' });
    await ask(at('hour'));
    expect((await ask(at('hour'))).headers['cache-status']).toMatch(/^promptsales; hit; ttl=([1-5]\d|60)$/);
  });

  it('a POST that looks something up is answered from the cache, by what its body says', async () => {
    path = '/search';
    origin.handler = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (part: Buffer) => chunks.push(part));
      request.on('end', () =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.concat(chunks)),
      );
    };
    const search = (body: string) =>
      ask(at('lookup'), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect((await search('{"a":1,"b":2}')).body).toBe('{"a":1,"b":2}');
    expect(await search('{ "b": 2, "a": 1 }')).toMatchObject({ body: '{"a":1,"b":2}', headers: { 'x-cache': 'HIT' } });
    expect((await search('{"a":1,"b":3}')).headers['x-cache']).toBe('MISS');
    expect((await search('not json')).body).toBe('not json');
    expect(origin.seen).toHaveLength(3);
  });

  it('a caller who leaves before his turn takes none', async () => {
    const go = Promise.withResolvers<void>();
    origin.handler = ({ url = '' }, response) => {
      if (url.endsWith('/first')) void go.promise.then(() => response.end('first'));
      else response.end(url);
    };
    const first = ask(`${at('narrow')}/first`);
    await until(() => origin.seen.length === 1);
    const gone: Promise<unknown>[] = [];
    const seen = (_request: unknown, response: ServerResponse): void => void gone.push(once(response, 'close'));
    a.fastify.server.on('request', seen);
    const leaving = ['GET', 'PUT'].map((method) => openRequest(`${at('narrow')}/left`, { method, agent: false }));
    for (const outgoing of leaving) outgoing.on('error', () => undefined).end();
    await until(() => gone.length === leaving.length);
    a.fastify.server.off('request', seen);
    for (const outgoing of leaving) outgoing.destroy();
    await Promise.all(gone);
    const staying = ask(`${at('narrow')}/stays`);
    go.resolve();
    expect([(await first).body, (await staying).body]).toEqual(['first', `${path}/stays`]);
    expect(origin.seen.map(({ url }) => url)).toEqual([`${path}/first`, `${path}/stays`]);
  });

  it('a service that fails and fails is left alone, and what is kept goes on serving', async () => {
    answers('kept');
    await ask(at('broken'));
    answers('down', {}, 500);
    for (const n of [1, 2]) expect(await ask(`${at('broken')}/${n}`)).toMatchObject({ status: 500 });
    expect(await ask(`${at('broken')}/3`)).toMatchObject({ status: 503 });
    expect(await ask(at('broken'))).toMatchObject({ status: 200, body: 'kept' });
  });

  it('what lies in Redis is JSON that others can read', async () => {
    answers('{"leads": [1, 2.50]}', { ...FRESH, 'content-type': 'application/json' });
    path = `/op${path}`;
    await ask(at('hour'));
    const link = a.roles.link('cache');
    const keys: string[] = [];
    await link.onEachNode((node) =>
      node.read(async (client) => void keys.push(...(await client.keys('api:call:hour:generateImage:*')))),
    );
    const values = await Promise.all(keys.map((key) => link.readAt(key, (client) => client.get(key))));
    const stored = values.map((text) => JSON.parse(text ?? '') as Record<string, unknown>);
    expect(stored.find(({ response }) => typeof response === 'object')).toMatchObject({
      status: 200,
      response: { leads: [1, 2.5] },
    });
  });
});
