/** Asks a server whether it is there: it is, when it answers a first message with anything that is JSON-RPC. */
import { isObject, serverMessage } from '../json-rpc/message.js';
import { bytesOf, framesOf, isEventStream } from '../gateway/inspected-stream.js';
import type { Upstream, UpstreamResponse } from '../upstream/upstream.js';

export interface Probed {
  readonly healthy: boolean;
  readonly ms: number;
}

const LARGEST_BYTES = 1024 * 1024;
const FIRST = Buffer.from(
  JSON.stringify({
    jsonrpc: '2.0',
    id: 'probe',
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'promptsales-cache', version: '1' },
    },
  }),
);
const HEADERS = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

/**
 * Never rejects.
 * @param tenant whose server it is
 * @param upstreamOf may throw: a server that may not be asked is none that is there
 */
export async function probe(tenant: string, upstreamOf: () => Upstream, timeoutMs: number): Promise<Probed> {
  const began = performance.now();
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const upstream = upstreamOf();
    const response = await upstream.send({ tenant, method: 'POST', headers: HEADERS, body: FIRST, signal });
    const healthy = await answered(response);
    const ms = performance.now() - began;
    // How it takes a farewell says nothing of how it answers.
    await endSession(tenant, upstream, response, signal).catch(() => undefined);
    return { healthy, ms };
  } catch {
    // Whatever it is that keeps it from answering, that it does not is what was asked.
    return { healthy: false, ms: performance.now() - began };
  }
}

async function answered({ status, headers, body }: UpstreamResponse): Promise<boolean> {
  if (status >= 500 || status === 401) return false;
  if (!isEventStream(headers))
    return serverMessage((await bytesOf(body, LARGEST_BYTES)).toString())?.['jsonrpc'] === '2.0';
  for await (const { message } of framesOf(body)) if (isObject(message)) return true;
  return false;
}

async function endSession(
  tenant: string,
  upstream: Upstream,
  { headers }: UpstreamResponse,
  signal: AbortSignal,
): Promise<void> {
  const id = headers['mcp-session-id'];
  if (id === undefined) return;
  const own = { ...HEADERS, 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
  const { body } = await upstream.send({ tenant, method: 'DELETE', headers: own, body: null, signal });
  await bytesOf(body, LARGEST_BYTES);
}
