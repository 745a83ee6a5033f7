import { getEventListeners } from 'node:events';
import { keyspace } from '../keyspace/keyspace.js';
import type { RedisRoles } from '../redis/roles.js';
import type { Cache } from './cache.js';
import { follow } from './following.js';

it('whoever has followed a load leaves nothing behind at a signal that outlives it', async () => {
  const cache = { keyPrefix: '', ask: async () => ({ kind: 'away' }) } as unknown as Cache;
  const roles = { subscriptions: () => ({ on: async () => () => undefined }) } as unknown as RedisRoles;
  const { signal } = new AbortController();
  const following = {
    reading: { ref: keyspace.testConnection.at({}), decode: () => null },
    token: 't',
    accept: () => true,
    abandoned: signal,
  };
  for (let time = 0; time < 3; time += 1) expect(await follow(cache, roles, following)).toEqual({ kind: 'again' });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
