/**
 * Carries an invalidation by pattern out in a process of its own, to be killed:
 * `node --experimental-transform-types operation-holder.mjs REDIS_URL PATTERN`. Says its id, and then `deleted N`.
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
const { Cache } = await import('../src/cache/cache.js');
const { FamilyGlob } = await import('../src/invalidation/family-glob.js');
const { InvalidationOperations } = await import('../src/invalidation/operations.js');
const { RedisRoles } = await import('../src/redis/roles.js');
const [url, pattern] = process.argv.slice(2);
const roles = new RedisRoles({ url, layout: 'single' }).open();
await roles.link('state').untilUp(30_000);
let said = false;
const cache = new Cache(
  roles,
  {},
  {
    patternStep: (kind, _ms, size) => {
      if (kind === 'remove' && !said) process.stdout.write(`deleted ${size}\n`);
      said ||= kind === 'remove';
    },
  },
);
const { id } = await new InvalidationOperations(cache, roles, { ownedMs: 800, heartbeatMs: 100 }).begin(
  FamilyGlob.parse(pattern),
);
process.stdout.write(`${id}\n`);
