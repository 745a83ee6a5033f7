/**
 * The gateway in a process of its own: `node gateway-main.mjs REDIS_URL PROVIDER_URL [SEMANTIC]`, where SEMANTIC is the
 * default policy's member of that name, as JSON; nothing that could be served is audited then.
 * Prints its address and ends with SIGTERM.
 */
import { runTypeScript } from '@promptsales/test-kit/run-typescript';

runTypeScript();

const [redisUrl, providerUrl, semantic] = process.argv.slice(2);
const { fastify } = await import('fastify');
const { Cache, RedisRoles } = await import('@promptsales/cache-core');
const { GatewayService } = await import('../src/http/gateway-service.ts');
const { PolicyTable, DEFAULT_POLICY } = await import('../src/request/policy.ts');
const { MemoryLedger } = await import('../src/ledger/memory-ledger.ts');

// A Redis on a busy machine is waited for, and so is a process: who has lost his lease makes another call.
const roles = new RedisRoles({ url: redisUrl, layout: 'databases', times: { commandTimeoutMs: 10_000 } }).open();
await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
const cache = new Cache(roles, { leaseMs: 6000, l1: {} });
const service = new GatewayService({
  cache,
  roles,
  ledger: new MemoryLedger(),
  callerOf: () => ({ tenant: 'acme', keyId: 'k', client: 'c' }),
  upstreams: { targetFor: () => ({ provider: 'openai', baseUrl: providerUrl, apiKey: null, simulated: true }) },
  ...(semantic === undefined
    ? {}
    : {
        policies: new PolicyTable([{ ...DEFAULT_POLICY, semantic: JSON.parse(semantic) }]),
        semantic: { settings: { auditShare: 0, deadlineMs: 60_000 } },
      }),
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
