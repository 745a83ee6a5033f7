import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { LlmError } from '../src/protocol/llm-error.js';
import { UpstreamClient } from '../src/upstream/upstream-client.js';
import { failureOf, sendsStream, STREAM, text, upstreamStage } from './upstream-stage.js';

const stage = upstreamStage();
const { call, answeredWith } = stage;

describe('a provider in trouble', () => {
  it('that refuses the connection is a 502', async () => {
    // Nobody listens there, nor will anybody who takes a free port.
    expect(await call({ baseUrl: 'http://127.0.0.1:1/v1' })).toMatchObject({
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

  it('whose address is none is a 502, and ends nothing else', async () => {
    expect(await call({ baseUrl: 'nowhere' })).toMatchObject({ kind: 'failed', error: { status: 502 } });
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('that speaks no TLS is a 502', async () => {
    expect(await call({ baseUrl: stage.provider.baseUrl.replace('http:', 'https:') })).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_unreachable', status: 502 },
    });
  });

  it('that hangs before its answer is a 504 after the whole time', async () => {
    const impatient = new UpstreamClient({ timeoutMs: 50, idleTimeoutMs: 60_000 });
    const response = await answeredWith(() => undefined, { client: impatient });
    expect(response).toMatchObject({ kind: 'failed', error: { code: 'upstream_timeout', status: 504 } });
    await impatient.close();
  });

  it('trap 21: that falls silent in mid-stream ends after the idle time', async () => {
    const impatient = new UpstreamClient({ timeoutMs: 60_000, idleTimeoutMs: 500 });
    const response = await answeredWith(
      (_, raw) => void raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n'),
      {
        client: impatient,
      },
    );
    const error = await failureOf(text(response));
    expect(error).toMatchObject({ code: 'upstream_timeout', status: 504 });
    expect(error.message).toMatch(/silent for 500 ms/);
    await impatient.close();
  });

  it('does not call a slow reader silence of the provider', async () => {
    const impatient = new UpstreamClient({ timeoutMs: 60_000, idleTimeoutMs: 300 });
    const response = await answeredWith(sendsStream(), { client: impatient });
    if (response.kind !== 'stream') throw new Error(response.kind);
    let read = '';
    for await (const chunk of response.bytes) {
      await new Promise((resolve) => {
        setTimeout(resolve, 900);
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
