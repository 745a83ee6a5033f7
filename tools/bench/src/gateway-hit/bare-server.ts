/**
 * The yardsticks, each in a process of its own: `node:http` and Fastify without anything of ours. They parse the body that
 * ours reads and return the bytes that ours returns: `bare-server.js node|fastify FILE`.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';

const [kind, file = ''] = process.argv.slice(2);
const answer = readFileSync(file);

const address = kind === 'node' ? await listenWithNode() : await listenWithFastify();
console.log(`ready ${address}`);

async function listenWithNode(): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        JSON.parse(Buffer.concat(chunks).toString());
      } catch {
        response.writeHead(400).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function listenWithFastify(): Promise<string> {
  const server = fastify();
  server.post('/v1/chat/completions', (_request, reply) => {
    void reply.header('content-type', 'application/json').send(answer);
  });
  return server.listen({ port: 0, host: '127.0.0.1' });
}
