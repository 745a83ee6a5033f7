/** Bodies that are longer than what is kept, both ways. Ten gigabytes of them: `npm run chaos -- proxy`. */
import { once } from 'node:events';
import { request as openRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { startRedis, until, type TestRedis } from '@promptsales/test-kit';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

const FRESH = { 'cache-control': 'max-age=100' };
const CHUNK = 64 * 1024;
/** 64 MB: far more than the buffers on the way can hold, and than is kept. */
const CHUNKS = 1024;

/** So many chunks, each with its number, and what was taken of them. */
class Body {
  taken = 0;
  sum = 0;
  readonly #chunks: number;

  constructor(chunks = CHUNKS) {
    this.#chunks = chunks;
  }

  *[Symbol.iterator](): Generator<Buffer> {
    for (let number = 0; number < this.#chunks; number += 1) {
      const chunk = Buffer.alloc(CHUNK, number % 251);
      chunk.writeUInt32BE(number);
      this.taken += CHUNK;
      this.sum = crc32(chunk, this.sum);
      yield chunk;
    }
  }

  into(sink: Writable): Promise<void> {
    return pipeline(Readable.from(this), sink);
  }
}

async function summed(source: AsyncIterable<unknown>): Promise<{ length: number; sum: number }> {
  let length = 0;
  let sum = 0;
  for await (const chunk of source) {
    length += (chunk as Buffer).length;
    sum = crc32(chunk as Buffer, sum);
  }
  return { length, sum };
}

describe('long bodies through the proxy', () => {
  let redis: TestRedis;
  let origin: Origin;
  let proxy: ProxyServer;

  beforeAll(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    proxy = await startProxy(redis.url, { services: [service(origin.url)] });
  });

  afterAll(async () => {
    await proxy?.close();
    await origin?.close();
    await redis?.stop();
  });

  const opened = (path: string, options: RequestOptions = {}): ClientRequest =>
    openRequest(`${proxy.url}/proxy/origin${path}`, { agent: false, ...options });

  const reading = async (path: string): Promise<IncomingMessage> => {
    const outgoing = opened(path);
    outgoing.end();
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    return message;
  };

  /** Until nothing more of the body is taken. */
  const settled = async (body: Body): Promise<void> => {
    for (let before = -1; before !== body.taken;) {
      before = body.taken;
      await pause(200);
    }
  };

  it('trap 11: go down at the pace of their reader, and are neither held nor kept', async () => {
    const body = new Body();
    origin.handler = (_request, response) => void body.into(response.writeHead(200, FRESH));
    const message = await reading('/down');
    message.pause();
    await settled(body);
    expect(body.taken).toBeLessThan(CHUNKS * CHUNK);
    const { length, sum } = await summed(message);
    expect([length, sum]).toEqual([CHUNKS * CHUNK, body.sum]);
    origin.handler = (_request, response) => void response.writeHead(200, FRESH).end('short');
    expect(await ask(`${proxy.url}/proxy/origin/down`)).toMatchObject({
      body: 'short',
      headers: { 'x-cache': 'MISS' },
    });
  });

  it('trap 11: go up at the pace of the service, and are not held', async () => {
    const body = new Body();
    const go = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<{ length: number; sum: number }>();
    origin.handler = (request, response) => {
      request.pause();
      void go.promise.then(async () => {
        arrived.resolve(await summed(request));
        response.end('all of it');
      });
    };
    const outgoing = opened('/up', { method: 'PUT' });
    const sent = body.into(outgoing);
    await until(() => origin.seen.at(-1)?.url === '/up');
    await settled(body);
    expect(body.taken).toBeLessThan(CHUNKS * CHUNK);
    go.resolve();
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    message.resume();
    await sent;
    expect(message.statusCode).toBe(200);
    expect(await arrived.promise).toEqual({ length: CHUNKS * CHUNK, sum: body.sum });
  });

  it.each(['length', 'chunks'])(
    'the service is hung up on when a reader of more than is kept leaves: by %s',
    async (framing) => {
      const ended = Promise.withResolvers<void>();
      const body = new Body();
      origin.handler = (_request, response) => {
        response.once('close', () => ended.resolve());
        const length = framing === 'length' ? { 'content-length': String(CHUNKS * CHUNK) } : {};
        body.into(response.writeHead(200, { ...FRESH, ...length })).catch(() => undefined);
      };
      const message = await reading(`/left/${framing}`);
      message.on('error', () => undefined);
      let read = 0;
      for await (const chunk of message) {
        read += (chunk as Buffer).length;
        if (read > 16 * 1024 * 1024) break;
      }
      await ended.promise;
      expect(body.taken).toBeLessThan(CHUNKS * CHUNK);
    },
  );

  it('the service is hung up on when a sender leaves', async () => {
    const broken = Promise.withResolvers<void>();
    let arrived = 0;
    origin.handler = (request) => {
      request.on('data', (chunk: Buffer) => (arrived += chunk.length));
      request.once('error', () => broken.resolve());
    };
    const outgoing = opened('/leaving', { method: 'PUT' });
    outgoing.on('error', () => undefined);
    outgoing.write(Buffer.alloc(CHUNK));
    await until(() => arrived === CHUNK);
    outgoing.destroy();
    await expect(broken.promise).resolves.toBeUndefined();
  });
});
