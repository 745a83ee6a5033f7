/**
 * The hop alone: a reverse proxy of `node:http` that hands on what it gets, in a process of its own. No cache, no
 * authentication, no ledger: `bare-proxy.js URL`.
 */
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const [upstream = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const server = createServer(handOn);
server.keepAliveTimeout = 60_000;
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`);

function handOn(asked: IncomingMessage, reply: ServerResponse): void {
  const { host: _host, connection: _connection, ...headers } = asked.headers;
  const asking = request(`${upstream}${asked.url}`, { agent, method: asked.method, headers }, (answer) => {
    const { connection: _hop, 'transfer-encoding': _coding, ...its } = answer.headers;
    reply.writeHead(answer.statusCode ?? 502, its);
    answer.pipe(reply);
  });
  asking.once('error', (error) => reply.destroy(error));
  asked.pipe(asking);
}
