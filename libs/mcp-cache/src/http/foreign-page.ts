import type { FastifyRequest } from 'fastify';
import { McpError, RPC } from '../json-rpc/message.js';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * Where no key is needed, a page in a browser on this machine could talk to us: it is known by its origin, or, behind a name
 * that was made to point here, by that name. (MCP, Streamable HTTP, Security Warning: DNS rebinding.)
 * @throws McpError
 */
export function refuseForeignPage({ headers, socket }: FastifyRequest): void {
  const { origin, host = '' } = headers;
  const bare = host.replace(/:\d+$/, '');
  const here = socket.localAddress ?? '';
  const rebound = isLoopback(here) && !LOOPBACK.test(bare);
  const foreign = origin !== undefined && URL.parse(origin)?.host !== host;
  if (!rebound && !foreign) return;
  throw new McpError(403, RPC.refused, 'foreign_page', 'Requests of this origin or for this host are not taken here.');
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.replace(/^::ffff:/, '').startsWith('127.');
}
