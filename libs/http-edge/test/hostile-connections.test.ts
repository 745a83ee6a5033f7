import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { LLM_KEY, sampleEdge, type SampleEdge } from './sample-edge.js';

describe('what arrives on the bare socket', () => {
  let edge: SampleEdge;
  let port: number;

  beforeAll(async () => {
    edge = await sampleEdge();
    await edge.app.listen(0, '127.0.0.1');
    port = (edge.app.getHttpServer().address() as AddressInfo).port;
  });

  afterAll(() => edge.app.close());

  /** Everything that the server sends until it closes. */
  async function exchange(...chunks: readonly (string | Buffer)[]): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    for (const chunk of chunks) socket.write(chunk);
    await once(socket, 'close');
    return received;
  }

  const smuggled = 'GET /things/whoami HTTP/1.1\r\nHost: x\r\n\r\n';
  const statuses = (received: string): string[] =>
    [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => status ?? '');

  it.each([
    [
      'both Content-Length and Transfer-Encoding',
      `POST /provider HTTP/1.1\r\nHost: x\r\nx-api-key: ${LLM_KEY}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'two lengths that differ',
      `POST /provider HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${smuggled}`,
    ],
    [
      'an obfuscated encoding',
      `POST /provider HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['a space before the colon', `POST /provider HTTP/1.1\r\nHost: x\r\nContent-Length : 44\r\n\r\n${smuggled}`],
    ['a folded header', `GET /maybe HTTP/1.1\r\nHost: x\r\nx-api-key: a\r\n ${LLM_KEY}\r\n\r\n${smuggled}`],
    ['a bare line feed in a header', `GET /maybe HTTP/1.1\r\nHost: x\nx-a: b\r\n\r\n${smuggled}`],
    ['a NUL in a header', `GET /maybe HTTP/1.1\r\nHost: x\r\nx-a: b\0c\r\n\r\n${smuggled}`],
    [
      'a negative chunk',
      `POST /provider HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n${smuggled}`,
    ],
    ['no host', `GET /maybe HTTP/1.1\r\n\r\n${smuggled}`],
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('trap 23: %s is refused once and nothing behind it is served', async (_name, bytes) => {
    const received = await exchange(bytes);
    const answered = statuses(received);
    expect(answered).toHaveLength(1);
    expect(['400', '401']).toContain(answered[0]);
    expect(received).toMatch(/connection: close/i);
  });

  it('answers 431 as a problem to headers over 16 kB and goes on', async () => {
    const received = await exchange(`GET /maybe HTTP/1.1\r\nHost: x\r\nx-a: ${'a'.repeat(40_000)}\r\n\r\n`);
    expect(received).toMatch(/^HTTP\/1\.1 431 /);
    expect(received).toContain('"code":"headers_too_large"');
    expect((await edge.fastify.inject('/maybe')).statusCode).toBe(200);
  });

  it('says of a URL with anything but ASCII that it is to be percent-encoded', async () => {
    const received = await exchange('GET /maybe?q=peña HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
    expect(received).toContain('"code":"bad_url"');
    expect(received).toContain('percent-encoded');
  });

  it.each([
    ['a malformed request line', 'GET  \r\n\r\n', 400],
    ['a request without a host', 'GET /maybe HTTP/1.1\r\nx-request-id: mine\r\n\r\n', 400],
    ['headers over 16 kB', `GET /maybe HTTP/1.1\r\nHost: x\r\nx-a: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
  ])('answers %s with an id and a problem, and has the id in the log', async (_name, bytes, status) => {
    const [head = '', body = ''] = (await exchange(bytes)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toMatch(/^content-type: application\/problem\+json/im);
    expect(JSON.parse(body)).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) });
    const id = /^x-request-id: (\S+)$/im.exec(head)?.[1];
    expect(id).toMatch(/^(mine|[0-9a-f-]{36})$/);
    expect(edge.logged()).toContain(`"request_id":"${id}"`);
  });

  it('serves HTTP/1.0 without a host, and a request that expects what we do not know', async () => {
    expect(await exchange('GET /maybe HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    const expecting = 'GET /maybe HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n';
    const answer = await exchange(expecting);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^x-request-id: /im);
  });

  it('trap 23: an absolute URL or a path that begins with two slashes reaches no other host and no route', async () => {
    for (const target of ['http://169.254.169.254/latest', '//evil.example/maybe', 'http:\\\\evil.example/maybe']) {
      const received = await exchange(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(statuses(received)).toEqual([expect.stringMatching(/^40[04]$/)]);
    }
  });

  it('survives a client that leaves in the middle of its request', async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"na`);
    socket.resetAndDestroy();
    await once(socket, 'close');
    expect((await edge.fastify.inject('/maybe')).statusCode).toBe(200);
  });

  it('believes X-Forwarded-For only from proxies that are trusted', async () => {
    const addressOf = async (trustedProxies: string[]): Promise<string> => {
      const proxied = await sampleEdge({
        trustedProxies,
        rules: { 'GET /ip': { access: 'open' }, ...RULES_OF_THINGS },
        plain: (instance) => void instance.get('/ip', (request) => ({ ip: request.ip })),
      });
      const answer = await proxied.fastify.inject({
        url: '/ip',
        remoteAddress: '10.0.0.1',
        headers: { 'x-forwarded-for': '6.6.6.6, 203.0.113.9' },
      });
      await proxied.app.close();
      return answer.json<{ ip: string }>().ip;
    };
    expect(await addressOf([])).toBe('10.0.0.1');
    expect(await addressOf(['10.0.0.0/8'])).toBe('203.0.113.9');
    expect(await addressOf(['192.168.0.0/16'])).toBe('10.0.0.1');
  });
});

const RULES_OF_THINGS = {
  'POST /things': { access: 'open' },
  'GET /things/whoami': { access: 'open' },
  'GET /things/secret-failure': { access: 'open' },
  'GET /things/:id': { access: 'open' },
  'DELETE /things/:id': { access: 'open' },
} as const;
