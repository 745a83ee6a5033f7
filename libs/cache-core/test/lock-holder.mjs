/**
 * Holds a lock in a process of its own, to be stopped and continued:
 * `node --experimental-transform-types lock-holder.mjs REDIS_URL NAME TTL_MS`. Says `held`, and `lost HOW` when it is lost.
 * The library's TypeScript is run as it stands.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
    return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

// Not through the index, whose decorators Node.js does not read.
const { keyspace } = await import('../src/keyspace/keyspace.js');
const { Locks } = await import('../src/locks/locks.js');
const { RedisRoles } = await import('../src/redis/roles.js');
const [url, name, ttlMs] = process.argv.slice(2);
// However long this machine keeps Redis from its work, it is not held for dead.
const roles = new RedisRoles({ url, layout: 'single', times: { commandTimeoutMs: 10_000 } }).open();
await roles.link('state').untilUp(60_000);
const lock = await new Locks(roles).acquire(keyspace.lockNamed.at({ name }), { ttlMs: Number(ttlMs) });
lock.signal.addEventListener('abort', () => {
  process.stdout.write(`lost ${lock.signal.reason.how} ${lock.held}\n`);
  void lock.release().then((result) => process.stdout.write(`release ${result}\n`));
});
process.stdout.write('held\n');
