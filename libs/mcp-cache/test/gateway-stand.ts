/** The gateway on a real Redis behind a real port, in one process or several. */
import { Cache, Keyring, PlainValues, RedisRoles } from '@promptsales/cache-core';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import Fastify, { type FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ClientPermissions } from '../src/gateway/permissions.js';
import { McpService } from '../src/mcp-service.js';
import type { McpServer } from '../src/servers/mcp-server.js';
import { Upstreams, type UpstreamBounds } from '../src/upstream/upstreams.js';

export interface Stand {
  readonly redis: TestRedis;
  readonly servers: Map<string, McpServer>;
  readonly permissions: Map<string, ClientPermissions>;
  readonly failures: unknown[];
  /** Requests that reached a server, by its name. */
  readonly asked: Map<string, number>;
  /** What became of requests, as it is told for metrics. */
  readonly told: string[];
  /** Another process of the gateway. */
  start(bounds?: Partial<UpstreamBounds>, upstreams?: Upstreams): Promise<Gateway>;
  stop(): Promise<void>;
}

export interface Gateway {
  readonly url: (name: string) => URL;
  stop(): Promise<void>;
}

export const keyring = Keyring.fromBase64(Buffer.alloc(32, 7).toString('base64'));

/** Whose key it is says the header `x-api-key`: `TENANT:KEY`. */
export async function stand(): Promise<Stand> {
  const redis = await startRedis();
  const servers = new Map<string, McpServer>();
  const permissions = new Map<string, ClientPermissions>();
  const failures: unknown[] = [];
  const asked = new Map<string, number>();
  const told: string[] = [];
  const gateways: Gateway[] = [];
  const start = async (
    bounds: Partial<UpstreamBounds> = {},
    upstreams = new Upstreams({ stdioAllow: [process.execPath], ...bounds }),
  ): Promise<Gateway> => {
    // A Redis that has to wait for a processor is not away.
    const roles = new RedisRoles({ url: redis.url, times: { commandTimeoutMs: 10_000 } }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    const cache = new Cache(roles);
    const service = new McpService({
      upstreams,
      cache,
      roles,
      plain: new PlainValues(roles),
      keyring,
      serverOf: (_tenant, name) => servers.get(name) ?? null,
      permissionsOf: async (client) => permissions.get(client) ?? null,
      observer: {
        answered: ({ name }, method, outcome) => void told.push(`${name} ${method} ${outcome}`),
        asked: ({ name }) => void asked.set(name, (asked.get(name) ?? 0) + 1),
        refused: (code) => void told.push(code),
      },
      callerOf: ({ headers }) => {
        const [tenant = 't', keyId = 'k'] = String(headers['x-api-key'] ?? 't:k').split(':');
        const segmento = typeof headers['x-segmento'] === 'string' ? headers['x-segmento'] : null;
        return { tenant, keyId, client: keyId, segmento, anonymous: headers['x-api-key'] === undefined };
      },
      ending: new AbortController().signal,
      bodyLimitBytes: 1024 * 1024,
      failed: (error) => void failures.push(error),
    });
    const app: FastifyInstance = Fastify({ forceCloseConnections: true });
    await service.register(app);
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const gateway = {
      url: (name: string) => new URL(`http://127.0.0.1:${port}/mcp/${name}`),
      stop: async () => {
        service.close();
        await Promise.all([app.close(), upstreams.close()]);
        cache.close();
        await roles.close();
      },
    };
    gateways.push(gateway);
    return gateway;
  };
  return {
    redis,
    servers,
    permissions,
    failures,
    asked,
    told,
    start,
    stop: async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await redis.stop();
    },
  };
}

export function server(name: string, reached: McpServer['reached'], more: Partial<McpServer> = {}): McpServer {
  return {
    tenant: 't',
    name,
    reached,
    trust: 'private',
    share: 'session',
    tools: new Map(),
    prompts: new Map(),
    ttlCapSeconds: null,
    identity: JSON.stringify(reached),
    ...more,
  };
}

const require = createRequire(__filename);

/** The main file of a reference server. */
export function referenceServer(name: 'everything' | 'filesystem' | 'memory'): string {
  return join(dirname(require.resolve(`@modelcontextprotocol/server-${name}/package.json`)), 'dist/index.js');
}
