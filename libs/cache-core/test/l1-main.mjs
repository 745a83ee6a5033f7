/**
 * A reader in a process of its own: `node l1-main.mjs REDIS_URL KEY`. It loads the key once
 * and then looks into L1 every millisecond. A line for each value that it begins to see, with the time: `TIME VALUE`,
 * `TIME -` where L1 serves none.
 */
import { runTypeScript } from '@promptsales/test-kit/run-typescript';

runTypeScript();

const [redisUrl, key] = process.argv.slice(2);
// Not through the index, whose decorators Node.js does not read.
const { Cache } = await import('../src/cache/cache.ts');
const { CacheAside } = await import('../src/cache/cache-aside.ts');
const { keyspace } = await import('../src/keyspace/keyspace.ts');
const { RedisRoles } = await import('../src/redis/roles.ts');

const roles = new RedisRoles({ url: redisUrl, layout: 'databases' }).open();
await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
const cache = new Cache(roles, { l1: {} });
const aside = new CacheAside(cache, roles);
const ref = keyspace.appValue.at({ key });

let seen;
const look = () => {
  const found = aside.warm(ref)?.value;
  const value = typeof found === 'string' ? found : '-';
  if (value !== seen) process.stdout.write(`${Date.now()} ${value}\n`);
  seen = value;
  return value;
};
setInterval(() => {
  if (look() === '-') void aside.getOrLoad(ref, async () => 'loaded');
}, 1);
// What comes in from a socket is handled before timers are: a request that meets a process which has just woken up.
process.stdin.on('data', look);
process.once('SIGTERM', () => process.exit(0));
