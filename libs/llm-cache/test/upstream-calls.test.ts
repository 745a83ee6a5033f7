import { Readable } from 'node:stream';
import { brotliCompressSync, constants, createGzip, gzipSync, zstdCompressSync } from 'node:zlib';
import { collect } from '../src/upstream/upstream-body.js';
import { UpstreamClient } from '../src/upstream/upstream-client.js';
import type { Answering } from './raw-provider.js';
import { failureOf, MEGABYTE, sendsStream, STREAM, text, upstreamStage } from './upstream-stage.js';

const stage = upstreamStage();
const { answeredWith } = stage;

describe('a call to a provider', () => {
  it('trap 7: carries our credential and nothing of the caller but what is forwarded', async () => {
    stage.provider.calls.length = 0;
    await text(await answeredWith(sendsStream(), { headers: { 'openai-organization': 'org' } }));
    const [seen] = stage.provider.calls;
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
    const patient = new UpstreamClient({ timeoutMs: 100_000, idleTimeoutMs: 100_000 });
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
