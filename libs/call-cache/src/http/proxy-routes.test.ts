import { PrivateAddressError, ProblemError } from '@promptsales/http-edge';
import fastify from 'fastify';
import { CallError } from '../call-error.js';
import type { Service } from '../services/service.js';
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
