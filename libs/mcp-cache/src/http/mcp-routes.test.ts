import Fastify from 'fastify';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { McpRequest } from '../gateway/exchange.js';
import { registerMcpRoutes } from './mcp-routes.js';

it('a client that leaves before its answer is no failure of ours', async () => {
  const failures: unknown[] = [];
  const asked = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  const server = Fastify();
  server.setErrorHandler((error) => void failures.push(error));
  await server.register(async (context) => {
    registerMcpRoutes(context, {
      gateway: {
        handle: (_name: string, { left }: McpRequest) => {
          asked.resolve();
          return new Promise((_resolve, reject) => {
            left.addEventListener('abort', () => {
              reject(left.reason as Error);
              setImmediate(told.resolve);
            });
          });
        },
      },
      callerOf: () => ({ tenant: 't', keyId: 'k', client: 'c', segmento: null, anonymous: false }),
      bodyLimitBytes: 1000,
      refused: (code) => void failures.push(code),
      failed: (error) => void failures.push(error),
    });
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  const asking = request({ port, host: '127.0.0.1', path: '/mcp/s', method: 'POST', agent: false });
  asking.on('error', () => undefined);
  asking.end('{}');
  await asked.promise;
  asking.destroy();
  await told.promise;
  expect(failures).toEqual([]);
  await server.close();
});
