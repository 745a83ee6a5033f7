/** Processes that are left by those who had them started. */
import { until } from '@promptsales/test-kit';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Places } from './places.js';
import { StdioUpstream } from './stdio-upstream.js';
import { Upstreams } from './upstreams.js';
import type { McpServer } from '../servers/mcp-server.js';
import type { UpstreamRequest } from './upstream.js';

const MUTE = { command: process.execPath, args: ['-e', 'process.stdin.resume()'], env: {} };
const initialize = (signal: AbortSignal): UpstreamRequest => ({
  tenant: 't',
  method: 'POST',
  headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
  body: Buffer.from(
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
    }),
  ),
  signal,
});

it('a client that leaves a mute process takes up none of the sessions that there may be', async () => {
  const upstream = new StdioUpstream({ ...MUTE, mostSessions: 1, idleMs: 60_000, places: new Places(10) });
  try {
    for (let time = 0; time < 3; time += 1) {
      const left = new AbortController();
      const { status } = await upstream.send(initialize(left.signal));
      expect(status).toBe(200);
      left.abort();
    }
  } finally {
    await upstream.close();
  }
});

it('no process is left behind by an end that comes while it begins, and none begins behind the end', async () => {
  const upstream = new StdioUpstream({ ...MUTE, mostSessions: 1, idleMs: 60_000, places: new Places(10) });
  const begun = upstream.send(initialize(new AbortController().signal));
  const [ended] = await Promise.allSettled([begun, upstream.close()]);
  expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'upstream_stopped' } });
  const upstreams = new Upstreams({ stdioAllow: [MUTE.command] });
  await upstreams.close();
  const server = { tenant: 't', name: 's', identity: 'i', reached: { kind: 'stdio', ...MUTE } };
  expect(() => upstreams.of(server as Partial<McpServer> as McpServer)).toThrow(
    expect.objectContaining({ code: 'upstream_stopped' }),
  );
});

const TALKATIVE = `
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (method === 'initialize') say({ id, result });
  if (method !== 'notifications/go') return;
  say({ method: 'notifications/message', params: { level: 'info', data: 'news' } });
  require('node:fs').writeFileSync(process.argv[1], '');
});`;

it.each(['leaves', 'withdraws it'])(
  'what a process says after the client of a request %s waits to be listened to',
  async (how) => {
    const said = join(await mkdtemp(join(tmpdir(), 'mcp-')), 'said');
    const upstream = new StdioUpstream({
      ...MUTE,
      args: ['-e', TALKATIVE, said],
      mostSessions: 1,
      idleMs: 60_000,
      places: new Places(10),
    });
    const [left, here] = [new AbortController(), new AbortController()];
    try {
      const begun = await upstream.send(initialize(here.signal));
      const headers = {
        ...initialize(here.signal).headers,
        'mcp-session-id': String(begun.headers['mcp-session-id']),
        'mcp-protocol-version': '2025-11-25',
      };
      for await (const chunk of begun.body) expect(chunk.toString()).toContain('result');
      const send = (message: object, signal = here.signal) =>
        upstream.send({
          tenant: 't',
          method: 'POST',
          headers,
          body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })),
          signal,
        });
      await send({ id: 2, method: 'slow' }, left.signal);
      if (how === 'leaves') left.abort();
      else await send({ method: 'notifications/cancelled', params: { requestId: 2 } });
      await send({ method: 'notifications/go' });
      await until(() => existsSync(said));
      const { body } = await upstream.send({ tenant: 't', method: 'GET', headers, body: null, signal: here.signal });
      const { value } = (await body[Symbol.asyncIterator]().next()) as { value?: Buffer };
      expect(String(value)).toContain('news');
    } finally {
      await upstream.close();
    }
  },
);
