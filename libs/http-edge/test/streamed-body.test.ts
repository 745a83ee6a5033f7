import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { SAMPLE_RULES, sampleEdge, type SampleEdge } from './sample-edge.js';

describe('a body that a route reads itself', () => {
  let edge: SampleEdge;
  let server: Server;
  let arriving: Promise<[Socket]>;
  /** Resolves when the route has read something of the body. */
  let reading: PromiseWithResolvers<void>;

  beforeEach(async () => {
    reading = Promise.withResolvers<void>();
    const plain = (instance: FastifyInstance): void => {
      instance.post('/stream', { config: { streams: ['text/csv'] } }, async ({ body }) => {
        let bytes = 0;
        for await (const chunk of body as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          reading.resolve();
        }
        return { bytes };
      });
    };
    edge = await sampleEdge({ rules: { ...SAMPLE_RULES, 'POST /stream': { access: 'open' } }, plain });
    await edge.app.listen(0, '127.0.0.1');
    server = edge.app.getHttpServer();
    arriving = once(server, 'connection') as Promise<[Socket]>;
  });

  afterEach(() => edge.app.close());

  const begin = (type = 'text/csv') => {
    const { port } = server.address() as AddressInfo;
    const sent = request({ port, method: 'POST', path: '/stream', headers: { 'content-type': type } });
    const answered = once(sent, 'response').then(async ([response]) => ({
      status: response.statusCode as number,
      body: await text(response),
    }));
    return { sent, answered };
  };
  /** What Node says of a request that is not whole after its time. */
  const overtime = (socket: Socket): void => {
    server.emit('clientError', Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  };

  it('may be longer than any other, and take longer', async () => {
    const { sent, answered } = begin();
    sent.write('x'.repeat(11_000_000));
    const [socket] = await arriving;
    await reading.promise;
    overtime(socket);
    sent.end('x');
    expect(await answered).toEqual({ status: 200, body: '{"bytes":11000001}' });
    expect(edge.logged()).not.toContain('answered what was not a request');
  });

  it.each(['application/x-ndjson', 'multipart/form-data; boundary=x'])(
    'is refused of the type %s, which the route does not name, with those that it does',
    async (type) => {
      const { sent, answered } = begin(type);
      sent.end('{}');
      expect(await answered).toMatchObject({
        status: 415,
        body: expect.stringContaining('Send the body as text/csv.') as string,
      });
    },
  );
});
