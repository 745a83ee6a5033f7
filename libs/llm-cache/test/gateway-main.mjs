/**
 * The gateway in a process of its own: `node gateway-main.mjs REDIS_URL PROVIDER_URL`. Prints its address and ends with
 * SIGTERM. The libraries' TypeScript is run as it stands, compiled as for the product: Node.js reads no decorators.
 */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';

const libraries = new URL('../../', import.meta.url);
registerHooks({
  resolve(specifier, context, next) {
    const library = /^@promptsales\/([a-z-]+)$/.exec(specifier)?.[1];
    if (library !== undefined) return next(new URL(`${library}/src/index.ts`, libraries).href, context);
    const ours = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
    return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const configFile = fileURLToPath(new URL('../../../.swcrc', import.meta.url));
    const { code } = transformFileSync(fileURLToPath(url), { configFile, sourceMaps: 'inline' });
    return { format: 'module', source: code, shortCircuit: true };
  },
});

const [redisUrl, providerUrl] = process.argv.slice(2);
const { fastify } = await import('fastify');
const { Cache, RedisRoles } = await import('@promptsales/cache-core');
const { GatewayService } = await import('../src/http/gateway-service.ts');
const { MemoryLedger } = await import('../src/ledger/memory-ledger.ts');

const roles = new RedisRoles({ url: redisUrl, layout: 'databases' }).open();
await Promise.all(roles.links().map((link) => link.untilUp(5000)));
const cache = new Cache(roles, { leaseMs: 1500, l1: {} });
const service = new GatewayService({
  cache,
  roles,
  ledger: new MemoryLedger(),
  callerOf: () => ({ tenant: 'acme', keyId: 'k', client: 'c' }),
  upstreams: { targetFor: () => ({ provider: 'openai', baseUrl: providerUrl, apiKey: null, simulated: true }) },
});
const server = fastify();
await service.register(server);
process.stdout.write(`ready ${await server.listen({ port: 0, host: '127.0.0.1' })}\n`);

async function stop() {
  await service.close();
  await server.close();
  cache.close();
  await roles.close();
}
process.once('SIGTERM', () => void stop());
