/** Ends with 1, and says on standard error why, where the variables of this process cannot be used. See environment-check.mjs. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && context.parentURL?.endsWith('.ts');
    return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

const libs = new URL('../../libs/', import.meta.url);
const { EnvironmentError, readEnvironment } = await import(new URL('environment/src/index.ts', libs).href);

/** Before the packages are there, nobody knows which `TTL_…` and `CACHE_…` are of families: the processes judge these. */
async function families() {
  try {
    const { catalogue } = await import(new URL('cache-core/src/keyspace/keyspace.ts', libs).href);
    return catalogue.families.map(({ id }) => id);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return [];
  }
}

try {
  readEnvironment(process.env, { families: await families() });
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
