/** Processes of the proxy in front of services of a test, without the rest of the platform. */
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Breakers, Cache, RedisRoles, type LinkTimes, type RedisHome } from '@promptsales/cache-core';
import { until } from '@promptsales/test-kit';
import fastify, { type FastifyInstance } from 'fastify';
import {
  CallCache,
  GuardedUpstream,
  RecordingBudget,
  registerProxyRoutes,
  UpstreamClient,
  type CallCacheParts,
  type Service,
  type ServiceLimits,
  type UpstreamSettings,
} from '../src/index.js';

export interface ProxyServer {
  readonly url: string;
  readonly fastify: FastifyInstance;
  readonly cache: Cache;
  readonly roles: RedisRoles;
  readonly notKept: string[];
  /** How many requests have reached it. */
  readonly asked: number;
  /** When so many requests have reached it, and each has come as far as it can without an answer of its service. */
  settled(asked: number): Promise<void>;
  close(): Promise<void>;
}

export interface ProxyServerOptions {
  readonly services: readonly Service[];
  readonly upstream?: Partial<UpstreamSettings>;
  readonly calls?: Partial<CallCacheParts>;
  /** @default a Redis on a busy machine is waited for */
  readonly times?: Partial<LinkTimes>;
  /** @default none: a service may be called as often as one likes */
  readonly limits?: ServiceLimits;
}

export function service(baseUrl: string, more: Partial<Service> = {}): Service {
  return {
    name: 'origin',
    baseUrl: new URL(baseUrl),
    space: 'space',
    headers: [],
    ttl: 0,
    ttlRules: [],
    lookupPosts: [],
    forwardAuthorization: false,
    staleIfError: 300,
    privateAddresses: false,
    rateLimit: null,
    concurrency: 1000,
    breaker: { consecutiveFailures: 100_000, minimumCalls: 100_000 },
    ...more,
  };
}

const NO_LIMITS: ServiceLimits = { take: async () => null };

export async function startProxy(
  home: string | RedisHome,
  { services, upstream = {}, calls = {}, times = {}, limits = NO_LIMITS }: ProxyServerOptions,
): Promise<ProxyServer> {
  const roles = new RedisRoles({
    ...(typeof home === 'string' ? { url: home } : home),
    layout: 'single',
    times: { commandTimeoutMs: 10_000, heartbeatMs: 50, holdAfterRestartMs: 100, ...times },
  }).open();
  await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
  let asked = 0;
  let looks = 0;
  const cache = new Cache(roles, { l1: {} }, { lookupSeconds: () => void (looks += 1) });
  const breakers = new Breakers(roles);
  const client = new UpstreamClient(upstream);
  const notKept: string[] = [];
  const callCache = new CallCache({
    cache,
    roles,
    upstream: new GuardedUpstream(client, breakers, limits),
    budget: new RecordingBudget(64 * 1024 * 1024),
    mostBytes: 1024 * 1024,
    observer: { notKept: (why) => notKept.push(why) },
    ...calls,
  });
  const server = fastify({ forceCloseConnections: true });
  const byName = new Map(services.map((one) => [one.name, one]));
  await server.register(async (context) => {
    registerProxyRoutes(context, {
      calls: callCache,
      ...(upstream.idleTimeoutMs === undefined ? {} : { callerTimeoutMs: upstream.idleTimeoutMs }),
      services: { find: (name) => byName.get(name) ?? null },
      callerOf: ({ headers }) => {
        asked += 1;
        return { tenant: String(headers['x-test-tenant'] ?? 'default') };
      },
    });
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    fastify: server,
    cache,
    roles,
    notKept,
    get asked() {
      return asked;
    },
    settled: async (wanted) => {
      await until(() => asked >= wanted);
      // On its way each asks Redis, again and again perhaps: all have been answered when none has looked for a while.
      const link = roles.link('cache');
      for (let [quiet, before] = [0, -1]; quiet < 10; quiet = before === looks ? quiet + 1 : 0) {
        before = looks;
        await link.readAt('x', (redis) => redis.ping()).catch(() => undefined);
        await nextTurn();
      }
    },
    close: async () => {
      await server.close();
      client.close();
      breakers.close();
      cache.close();
      await roles.close();
    },
  };
}
