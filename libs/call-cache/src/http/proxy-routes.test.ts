import { PrivateAddressError, ProblemError } from '@promptsales/http-edge';
import fastify from 'fastify';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CallError } from '../call-error.js';
import { Fields } from '../rules/fields.js';
import type { Service } from '../services/service.js';
import type { Bytes } from '../upstream/upstream-client.js';
import { registerProxyRoutes, type Refusal } from './proxy-routes.js';

describe('requests that get a problem in place of an answer', () => {
  const inside = new PrivateAddressError('crm.example');

  it.each<[string, Error, Refusal]>([
    ['hosts that lead inside', new CallError('bad_gateway', inside.message, { cause: inside }), 'private_address'],
    [
      'services that give no answer',
      new CallError('bad_gateway', 'none', { cause: new Error('reset') }),
      'bad_gateway',
    ],
    ['what is a problem already', new ProblemError('bad_url', 'no'), 'bad_url'],
    ['what has no code', new TypeError('a mistake'), 'other'],
  ])('are told: %s', async (_what, error, why) => {
    const told: Refusal[] = [];
    const server = fastify();
    await server.register(async (context) =>
      registerProxyRoutes(context, {
        calls: { answer: () => Promise.reject(error) },
        services: { find: () => ({}) as Service },
        callerOf: () => ({ tenant: 'default' }),
        refused: (refusal) => told.push(refusal),
      }),
    );
    await server.inject('/proxy/crm/x');
    expect(told).toEqual([why]);
    await server.close();
  });
});

it('a body is let go also when its caller is gone between the header and the first read', async () => {
  const returned = Promise.withResolvers<void>();
  const bytes: Bytes = {
    next: () => Promise.resolve({ done: false, value: Buffer.from('x') }),
    return: () => {
      returned.resolve();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => bytes,
  };
  const server = fastify();
  await server.register(async (context) => {
    // The very moment: behind the header, in front of the body.
    context.addHook('onRequest', async (_request, reply) => {
      const { raw } = reply;
      const writeHead = raw.writeHead.bind(raw) as (...given: unknown[]) => ServerResponse;
      raw.writeHead = (...given: unknown[]) => writeHead(...given).destroy();
    });
    registerProxyRoutes(context, {
      calls: { answer: async () => ({ status: 200, reason: '', fields: new Fields([]), body: bytes }) },
      services: { find: () => ({}) as Service },
      callerOf: () => ({ tenant: 'default' }),
    });
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  await expect(fetch(`http://127.0.0.1:${port}/proxy/crm/x`)).rejects.toMatchObject({ name: 'TypeError' });
  await returned.promise;
  await server.close();
});
