/**
 * Carries an invalidation by pattern out in a process of its own, to be killed:
 * `node --experimental-transform-types operation-holder.mjs REDIS_URL PATTERN`. Says its id, and then `deleted N`, and gets no
 * further.
 * The library's TypeScript is run as it stands.
 */
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
    return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

// Not through the index, whose decorators Node.js does not read.
const { Cache } = await import('../src/cache/cache.js');
const { FamilyGlob } = await import('../src/invalidation/family-glob.js');
const { InvalidationOperations } = await import('../src/invalidation/operations.js');
const { RedisRoles } = await import('../src/redis/roles.js');
const [url, pattern] = process.argv.slice(2);
// However long this machine keeps Redis from its work, it is not held for dead.
const roles = new RedisRoles({ url, layout: 'single', times: { commandTimeoutMs: 10_000 } }).open();
await roles.link('state').untilUp(60_000);
const cache = new Cache(
  roles,
  {},
  {
    patternStep: (kind, _ms, size) => {
      if (kind !== 'remove') return;
      writeSync(1, `deleted ${size}\n`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  },
);
const { id } = await new InvalidationOperations(cache, roles, { ownedMs: 3000, heartbeatMs: 100 }).begin(
  FamilyGlob.parse(pattern),
);
writeSync(1, `${id}\n`);
