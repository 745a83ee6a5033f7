import type { lookup } from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bytesOf } from '../gateway/inspected-stream.js';
import { HttpUpstream, type HttpUpstreamOptions } from './http-upstream.js';
import type { UpstreamResponse } from './upstream.js';

describe('trap 23: the address of a server is judged where it is connected to', () => {
  let inside: Server;
  let asked: number;
  beforeEach(async () => {
    asked = 0;
    inside = createServer((_request, reply) => {
      asked += 1;
      reply.end('secret');
    }).listen(0, '127.0.0.1');
    await once(inside, 'listening');
  });
  afterEach(() => void inside.close());

  /** Every name leads to this machine. */
  const rebound = ((_name: string, { all }: { all?: boolean }, done: (...found: unknown[]) => void) =>
    all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) as typeof lookup;

  async function got(host: string, more: Partial<HttpUpstreamOptions> = {}): Promise<string> {
    const url = `http://${host}:${(inside.address() as AddressInfo).port}/mcp`;
    const upstream = new HttpUpstream({ url, headers: {}, timeoutMs: 5000, lookup: rebound, ...more });
    const { signal } = new AbortController();
    try {
      const response: UpstreamResponse = await upstream.send({
        tenant: 't',
        method: 'GET',
        headers: {},
        body: null,
        signal,
      });
      return (await bytesOf(response.body, 100)).toString();
    } finally {
      await upstream.close();
    }
  }

  it('a name that looks public and leads inside is not connected to', async () => {
    await expect(got('tools.example.com')).rejects.toMatchObject({ code: 'upstream_private' });
    expect(asked).toBe(0);
  });

  it('a name that looks public is followed inside where the configuration allows that', async () => {
    expect(await got('tools.example.com', { privateAddresses: true })).toBe('secret');
  });

  it.each(['127.0.0.1', 'localhost', 'tools.internal'])('%s, which says itself that it is inside, is', async (host) => {
    expect(await got(host)).toBe('secret');
  });
});
