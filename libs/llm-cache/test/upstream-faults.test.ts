import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { brotliCompressSync, constants, createGzip, gzipSync, zstdCompressSync } from 'node:zlib';
import { LlmError } from '../src/protocol/llm-error.js';
import { collect } from '../src/upstream/upstream-body.js';
import { UpstreamClient, type UpstreamResponse, type UpstreamTarget } from '../src/upstream/upstream-client.js';
import { RawProvider, type Answering } from './raw-provider.js';

const STREAM = 'data: {"choices":[]}\n\ndata: [DONE]\n\n';
const MEGABYTE = 1024 * 1024;

let provider: RawProvider;
let client: UpstreamClient;

beforeAll(async () => {
  provider = await RawProvider.start((_, response) => void response.end());
});
beforeEach(() => {
  client = new UpstreamClient({ timeoutMs: 5000, idleTimeoutMs: 5000, connectTimeoutMs: 1000, maxErrorBytes: 1000 });
});
afterEach(() => client.close());
afterAll(() => provider.stop());

function target(baseUrl = provider.baseUrl): UpstreamTarget {
  return { provider: 'test', baseUrl, apiKey: 'sk-upstream', simulated: false };
}

function call(
  options: { client?: UpstreamClient; baseUrl?: string; signal?: AbortSignal; headers?: Record<string, string> } = {},
): Promise<UpstreamResponse> {
  return (options.client ?? client).call({
    target: target(options.baseUrl),
    method: 'POST',
    path: '/chat/completions',
    headers: options.headers ?? {},
    body: Buffer.from('{"model":"m"}'),
    signal: options.signal ?? new AbortController().signal,
  });
}

async function answeredWith(answering: Answering, options: Parameters<typeof call>[0] = {}): Promise<UpstreamResponse> {
  provider.answers(answering);
  return call(options);
}

async function text(response: UpstreamResponse): Promise<string> {
  if (response.kind !== 'stream' && response.kind !== 'json') throw new Error(`no body: ${response.kind}`);
  return (await collect(response.bytes, 300 * MEGABYTE)).toString();
}

async function failureOf(action: Promise<unknown>): Promise<LlmError> {
  const outcome = await action.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof LlmError) return outcome;
  throw new Error('did not fail as a provider fails', { cause: outcome });
}

function sendsStream(status = 200, headers: Record<string, string> = {}): Answering {
  return (_, response) =>
    void response.writeHead(status, { 'content-type': 'text/event-stream; charset=utf-8', ...headers }).end(STREAM);
}

describe('a call to a provider', () => {
  it('trap 7: carries our credential and nothing of the caller but what is forwarded', async () => {
    provider.calls.length = 0;
    await text(await answeredWith(sendsStream(), { headers: { 'openai-organization': 'org' } }));
    const [seen] = provider.calls;
    expect(seen).toMatchObject({ method: 'POST', url: '/v1/chat/completions', body: '{"model":"m"}' });
    expect(Object.keys(seen?.headers ?? {}).toSorted()).toEqual(
      [
        'accept',
        'accept-encoding',
        'authorization',
        'connection',
        'content-length',
        'content-type',
        'host',
        'openai-organization',
        'user-agent',
      ].toSorted(),
    );
    expect(seen?.headers.authorization).toBe('Bearer sk-upstream');
  });

  it('passes on of the headers what clients act upon', async () => {
    const response = await answeredWith(
      sendsStream(200, {
        'set-cookie': 'a=b',
        server: 'x',
        'x-request-id': 'req_1',
        'openai-processing-ms': '5',
        'x-ratelimit-remaining-requests': '9',
        'content-length': String(STREAM.length),
      }),
    );
    expect(response).toMatchObject({
      kind: 'stream',
      status: 200,
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'x-upstream-request-id': 'req_1',
        'openai-processing-ms': '5',
        'x-ratelimit-remaining-requests': '9',
      },
    });
    expect(Object.keys((response as { headers: object }).headers)).toHaveLength(4);
    expect(await text(response)).toBe(STREAM);
  });

  it.each([
    ['JSON', { 'content-type': 'application/json; charset=utf-8' }, '{"a":1}', 'json'],
    ['JSON that does not say so', {}, ' {"a":1}', 'json'],
    ['events that do not say so', { 'content-type': 'text/plain' }, STREAM, 'stream'],
    ['a comment first', {}, ': ping\n\n', 'stream'],
    ['events behind a byte order mark', {}, `\ufeff${STREAM}`, 'stream'],
  ])('recognises %s', async (_, headers, body, kind) => {
    const response = await answeredWith(
      (__, raw) => void raw.writeHead(200, headers as Record<string, string>).end(body),
    );
    expect(response.kind).toBe(kind);
    expect(await text(response)).toBe(body);
  });

  it.each([
    [`\ufeff${STREAM}`, 'stream'],
    ['\n\n {"a":1}', 'json'],
    [': ping\n\n', 'stream'],
  ])('recognises %j also where it comes byte by byte', async (body, kind) => {
    const response = await answeredWith(async (_, raw, socket) => {
      socket.setNoDelay(true);
      for (const byte of Buffer.from(body)) {
        await new Promise((resolve) => raw.write(Buffer.of(byte), resolve));
        // The client reads it in a turn of its own.
        for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
      }
      raw.end();
    });
    expect(response.kind).toBe(kind);
    expect(await text(response)).toBe(body);
  });

  it('takes white space without end for no answer', async () => {
    const failed = await answeredWith((_, raw) => void raw.writeHead(200).end(' '.repeat(MEGABYTE)));
    expect(failed).toMatchObject({ kind: 'failed', error: { code: 'upstream_invalid_response' } });
  });

  it.each([400, 401, 404, 429, 500, 503])('passes a %i on with its body', async (status) => {
    const response = await answeredWith(
      (_, raw) =>
        void raw
          .writeHead(status, { 'content-type': 'application/json', 'retry-after': '7', 'set-cookie': 'a=b' })
          .end('{"error":{}}'),
    );
    expect(response).toEqual({
      kind: 'refused',
      status,
      headers: { 'content-type': 'application/json', 'retry-after': '7' },
      body: Buffer.from('{"error":{}}'),
    });
  });

  it('cuts off an endless error page', async () => {
    const response = await answeredWith((_, raw) => {
      raw.writeHead(500);
      const timer = setInterval(() => raw.write('x'.repeat(700)), 1);
      raw.on('close', () => {
        clearInterval(timer);
      });
    });
    expect((response as { body: Buffer }).body).toHaveLength(1000);
  });

  it.each([
    ['gzip', gzipSync(STREAM)],
    ['br', brotliCompressSync(STREAM)],
    ['zstd', zstdCompressSync(STREAM)],
  ])('unpacks %s', async (encoding, body) => {
    const response = await answeredWith(
      (_, raw) =>
        void raw.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': encoding }).end(body),
    );
    expect(await text(response)).toBe(STREAM);
  });

  it('unpacks each event of a compressed stream as it comes', async () => {
    let release = (): void => undefined;
    const response = await answeredWith((_, raw) => {
      raw.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
      gzip.pipe(raw);
      gzip.write('data: 1\n\n');
      release = () => gzip.end('data: 2\n\n');
    });
    if (response.kind !== 'stream') throw new Error(response.kind);
    const bytes = response.bytes[Symbol.asyncIterator]();
    expect(String((await bytes.next()).value)).toBe('data: 1\n\n');
    release();
    expect(String((await bytes.next()).value)).toBe('data: 2\n\n');
    expect((await bytes.next()).done).toBe(true);
  });

  it('passes 100 MB of events through in pieces, and refuses to hold them whole', async () => {
    const event = `data: ${'x'.repeat(MEGABYTE - 8)}\n\n`;
    const sends: Answering = (_, raw) => {
      raw.writeHead(200, { 'content-type': 'text/event-stream' });
      Readable.from(Array.from({ length: 100 }, () => event)).pipe(raw);
    };
    const patient = new UpstreamClient({ timeoutMs: 60_000, idleTimeoutMs: 30_000 });
    const passed = await answeredWith(sends, { client: patient });
    if (passed.kind !== 'stream') throw new Error(passed.kind);
    let bytes = 0;
    for await (const chunk of passed.bytes) bytes += chunk.length;
    expect(bytes).toBe(100 * MEGABYTE);

    const held = await answeredWith(sends, { client: patient });
    if (held.kind !== 'stream') throw new Error(held.kind);
    expect(await failureOf(collect(held.bytes, MEGABYTE))).toMatchObject({ code: 'upstream_too_large', status: 502 });
    await patient.close();
  });
});

describe('a provider in trouble', () => {
  it('that refuses the connection is a 502', async () => {
    const gone = await RawProvider.start(() => undefined);
    const { baseUrl } = gone;
    await gone.stop();
    expect(await call({ baseUrl })).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_unreachable', status: 502 },
    });
  });

  it('whose name does not resolve is a 502', async () => {
    expect(await call({ baseUrl: 'http://provider.invalid/v1' })).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_unreachable', status: 502 },
    });
  });

  it('that speaks no TLS is a 502', async () => {
    expect(await call({ baseUrl: provider.baseUrl.replace('http:', 'https:') })).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_unreachable', status: 502 },
    });
  });

  it('that hangs before its answer is a 504 after the whole time', async () => {
    const impatient = new UpstreamClient({ timeoutMs: 50, idleTimeoutMs: 5000 });
    const response = await answeredWith(() => undefined, { client: impatient });
    expect(response).toMatchObject({ kind: 'failed', error: { code: 'upstream_timeout', status: 504 } });
    await impatient.close();
  });

  it('trap 21: that falls silent in mid-stream ends after the idle time', async () => {
    const impatient = new UpstreamClient({ timeoutMs: 5000, idleTimeoutMs: 50 });
    const response = await answeredWith(
      (_, raw) => void raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n'),
      {
        client: impatient,
      },
    );
    const error = await failureOf(text(response));
    expect(error).toMatchObject({ code: 'upstream_timeout', status: 504 });
    expect(error.message).toMatch(/silent for 50 ms/);
    await impatient.close();
  });

  it('does not call a slow reader silence of the provider', async () => {
    const impatient = new UpstreamClient({ timeoutMs: 5000, idleTimeoutMs: 40 });
    const response = await answeredWith(sendsStream(), { client: impatient });
    if (response.kind !== 'stream') throw new Error(response.kind);
    let read = '';
    for await (const chunk of response.bytes) {
      await new Promise((resolve) => {
        setTimeout(resolve, 120);
      });
      read += chunk.toString();
    }
    expect(read).toBe(STREAM);
    await impatient.close();
  });

  it('trap 21: that resets the connection in mid-stream has died', async () => {
    const response = await answeredWith((_, raw, socket) => {
      raw.writeHead(200, { 'content-type': 'text/event-stream' });
      raw.write('data: 1\n\n', () => setImmediate(() => socket.resetAndDestroy()));
    });
    expect(await failureOf(text(response))).toMatchObject({ code: 'upstream_died', status: 502 });
  });

  it('trap 21: that ends before its announced length has died', async () => {
    const response = await answeredWith((_, raw, socket) => {
      raw.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      raw.write('{"half":', () => setImmediate(() => socket.destroy()));
    });
    expect(await failureOf(text(response))).toMatchObject({ code: 'upstream_died', status: 502 });
  });

  it.each([
    ['HTML', '<html>'],
    ['nothing', ''],
  ])('that answers 200 with %s is a 502', async (_, body) => {
    expect(
      await answeredWith((__, raw) => void raw.writeHead(200, { 'content-type': 'text/html' }).end(body)),
    ).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_invalid_response', status: 502 },
    });
  });

  it('trap 23: that redirects is not followed', async () => {
    expect(
      await answeredWith((_, raw) => void raw.writeHead(307, { location: 'http://127.0.0.1:1/' }).end('moved')),
    ).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_invalid_response', status: 502 },
    });
  });

  it('that compresses wrongly or in an unknown way is a 502', async () => {
    const corrupt = await answeredWith(
      (_, raw) =>
        void raw
          .writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
          .end('no gzip at all'),
    );
    expect(await failureOf(text(corrupt))).toMatchObject({ code: 'upstream_invalid_response', status: 502 });
    expect(
      await answeredWith((_, raw) => void raw.writeHead(200, { 'content-encoding': 'rot13' }).end('x')),
    ).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_invalid_response' },
    });
  });

  describe('that speaks no HTTP', () => {
    let server: Server;
    let baseUrl: string;

    beforeAll(async () => {
      server = createTcpServer((socket) => {
        socket.on('error', () => socket.destroy());
        socket.once('data', () => socket.end('220 mail.example ESMTP\r\n'));
      });
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
      });
      baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => server.close());

    it('is a 502', async () => {
      expect(await call({ baseUrl })).toMatchObject({
        kind: 'failed',
        error: { code: 'upstream_invalid_response', status: 502 },
      });
    });
  });

  it('is let go when the call is given up, with the reason that was given', async () => {
    const abort = new AbortController();
    let closed: Promise<unknown> = Promise.resolve();
    const response = await answeredWith(
      (_, raw) => {
        closed = new Promise((resolve) => raw.once('close', resolve));
        raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      },
      { signal: abort.signal },
    );
    const reason = new LlmError('shutting_down', 'stopping');
    abort.abort(reason);
    expect(await failureOf(text(response))).toBe(reason);
    await closed;
  });

  it('trap 30: never puts the credential into an error', async () => {
    const response = await answeredWith(() => undefined, { client: new UpstreamClient({ timeoutMs: 20 }) });
    const { error } = response as { error: LlmError };
    expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('sk-upstream');
  });
});
