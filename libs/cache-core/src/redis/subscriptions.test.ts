import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import type { RedisLink } from './link.js';
import { Subscriptions } from './subscriptions.js';

/** Takes subscriptions and then breaks. */
class BreakingClient extends EventEmitter {
  status = 'ready';
  disconnected = 0;
  async connect(): Promise<void> {}
  async subscribe(): Promise<void> {}
  unsubscribe(): Promise<void> {
    return Promise.reject(new Error('the connection is closed'));
  }
  disconnect(): void {
    this.disconnected += 1;
  }
}

test('many that end while the connection breaks give it up once', async () => {
  const client = new BreakingClient();
  const within = <T>(work: Promise<T>): Promise<T> => work;
  const link = { name: 'cache', dedicatedClient: () => client as unknown as Redis, within } as unknown as RedisLink;
  const subscriptions = new Subscriptions(link);
  const ends = await Promise.all(Array.from({ length: 20 }, (_, n) => subscriptions.on(`c${n}`, () => undefined)));
  for (const end of ends) end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(client.disconnected).toBe(1);
});
