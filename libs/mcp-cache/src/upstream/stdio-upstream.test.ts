/** Processes that are left by those who had them started. */
import { StdioUpstream } from './stdio-upstream.js';
import { Upstreams } from './upstreams.js';
import type { McpServer } from '../servers/mcp-server.js';
import type { UpstreamRequest } from './upstream.js';

const MUTE = { command: process.execPath, args: ['-e', 'process.stdin.resume()'], env: {} };
const initialize = (signal: AbortSignal): UpstreamRequest => ({
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
  const upstream = new StdioUpstream({ ...MUTE, mostSessions: 1, idleMs: 60_000 });
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
  const upstream = new StdioUpstream({ ...MUTE, mostSessions: 1, idleMs: 60_000 });
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
