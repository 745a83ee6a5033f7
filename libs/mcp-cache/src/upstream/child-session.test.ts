/** A process that floods its standard output, and clients who read slowly. */
import { until } from '@promptsales/test-kit';
import { ChildSession } from './child-session.js';
import type { UpstreamRequest } from './upstream.js';

/** As much as the pipe brings at once. */
const PIPE_BYTES = 1024 * 1024;
const LINES = 300;

const FLOODING = `
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') say({ id, result });
  if (method === 'ping') say({ id, result: {} });
  if (method !== 'flood') return;
  const { progressToken } = params._meta;
  for (let at = 0; at < ${LINES}; at += 1) {
    say({ method: 'notifications/progress', params: { progressToken, progress: at, message: 'x'.repeat(65536) } });
  }
  say({ id, result: { done: true } });
});`;

async function begun(patienceMs: number) {
  const command = { command: process.execPath, args: ['-e', FLOODING], env: {} };
  const bounds = { mostBytes: 2 * 1024 * 1024, patienceMs };
  const session = await ChildSession.start(command, () => undefined, bounds);
  const headers: Record<string, string> = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  };
  const send = (message: object, method: UpstreamRequest['method'] = 'POST') => {
    const body = method === 'POST' ? Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })) : null;
    return session.send({ tenant: 't', method, headers: { ...headers }, body, signal: new AbortController().signal });
  };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
  const { body } = await send({ id: 1, method: 'initialize', params });
  await textOf(body);
  Object.assign(headers, { 'mcp-session-id': session.id, 'mcp-protocol-version': '2025-11-25' });
  await send({ method: 'notifications/initialized' });
  return { session, send, mostHeld: bounds.mostBytes + PIPE_BYTES };
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of body) read.push(chunk);
  return Buffer.concat(read).toString();
}

const flood = { id: 2, method: 'flood', params: { _meta: { progressToken: 'p' } } };

it('what a process floods a slow client with waits in the process, and comes whole', async () => {
  const { session, send, mostHeld } = await begun(600_000);
  try {
    const { body } = await send(flood);
    await until(() => session.heldBytes > 2 * 1024 * 1024);
    let [read, most] = [0, 0];
    for await (const chunk of body) {
      read += chunk.toString().split('"progress":').length - 1;
      // Much more may come in this time than is read.
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, session.heldBytes);
    }
    expect(read).toBe(LINES);
    expect(most).toBeLessThan(mostHeld);
  } finally {
    await session.close();
  }
});

it('an answer behind such a flood is there once the slow client was given up', async () => {
  const { session, send } = await begun(50);
  try {
    const { body: flooded } = await send(flood);
    await until(() => session.heldBytes > 2 * 1024 * 1024);
    const { body } = await send({ id: 3, method: 'ping' });
    expect(await textOf(body)).toContain('"id":3');
    await expect(textOf(flooded)).rejects.toMatchObject({ code: 'upstream_broke_off' });
  } finally {
    await session.close();
  }
});
