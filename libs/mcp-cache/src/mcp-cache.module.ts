import {
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Cache, Keyring, PlainValues, RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import type { FastifyInstance } from 'fastify';
import { McpServersController } from './http/servers.controller.js';
import { MCP_OPTIONS, type McpOptions } from './mcp-options.js';
import { McpService } from './mcp-service.js';
import { McpServerDirectory } from './servers/server-directory.js';
import type { McpServer } from './servers/mcp-server.js';
import { ServerSecrets } from './servers/server-secrets.js';
import { McpServers } from './servers/servers.js';
import { McpStatuses } from './status/statuses.js';
import { Traffic } from './status/traffic.js';
import { Upstreams } from './upstream/upstreams.js';

export interface McpCacheAsyncOptions {
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** False: for a process that only looks after the servers. @default true */
  readonly routes?: boolean;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): McpOptions;
}

const ROUTES = Symbol('McpCacheRoutes');

/** Registers the routes while the application starts, and ends what is under way when it stops. */
@Injectable()
class GatewayLife implements OnModuleInit, BeforeApplicationShutdown {
  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(McpService) private readonly service: McpService,
    @Inject(McpServerDirectory) private readonly directory: McpServerDirectory,
    @Inject(Upstreams) private readonly upstreams: Upstreams,
    @Inject(Traffic) private readonly traffic: Traffic,
    @Inject(ROUTES) private readonly routes: boolean,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.routes) await this.service.register(this.host.httpAdapter.getInstance<FastifyInstance>());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.directory.stop();
    this.service.close();
    await this.upstreams.close();
    await this.traffic.close();
  }
}

const PROVIDERS: readonly Provider[] = [
  { provide: ServerSecrets, inject: [Keyring], useFactory: (keyring: Keyring) => new ServerSecrets(keyring) },
  {
    provide: McpServers,
    inject: [Database, ServerSecrets],
    useFactory: (database: Database, secrets: ServerSecrets) => new McpServers(database, secrets),
  },
  {
    provide: McpServerDirectory,
    inject: [Database, ServerSecrets, Upstreams, MCP_OPTIONS],
    useFactory: (
      database: Database,
      secrets: ServerSecrets,
      upstreams: Upstreams,
      { watchFailed, unreadable }: McpOptions,
    ) => {
      const changed = (servers: Iterable<McpServer>): void => upstreams.retain(servers);
      return new McpServerDirectory({ database, secrets, watchFailed, unreadable, changed }).start();
    },
  },
  {
    provide: Upstreams,
    inject: [MCP_OPTIONS],
    useFactory: ({ stdioAllow, upstream }: McpOptions) => new Upstreams({ ...upstream, stdioAllow }),
  },
  {
    provide: Traffic,
    inject: [RedisRoles, PlainValues, Cache, MCP_OPTIONS],
    useFactory: (roles: RedisRoles, plain: PlainValues, { keyPrefix }: Cache, { failed }: McpOptions) =>
      new Traffic({ roles, plain, keyPrefix, failed }),
  },
  {
    provide: McpStatuses,
    inject: [Cache, Traffic, Upstreams],
    useFactory: (cache: Cache, traffic: Traffic, upstreams: Upstreams) =>
      new McpStatuses({ cache, traffic, upstreamOf: (server) => upstreams.of(server) }),
  },
  {
    provide: McpService,
    inject: [Cache, RedisRoles, PlainValues, Keyring, McpServerDirectory, Upstreams, Traffic, MCP_OPTIONS],
    useFactory: (
      cache: Cache,
      roles: RedisRoles,
      plain: PlainValues,
      keyring: Keyring,
      directory: McpServerDirectory,
      upstreams: Upstreams,
      traffic: Traffic,
      { callerOf, bodyLimitBytes, permissionsOf, observer, ending, failed }: McpOptions,
    ) =>
      new McpService({
        cache,
        roles,
        plain,
        keyring,
        upstreams,
        serverOf: (tenant, name) => directory.find(tenant, name),
        observer: {
          answered: (...told) => observer?.answered(...told),
          asked: (server, method, ms, wrong) => {
            traffic.asked(server, ms, wrong);
            observer?.asked(server, method, ms, wrong);
          },
          refused: (code) => observer?.refused(code),
        },
        callerOf,
        bodyLimitBytes,
        permissionsOf,
        ending,
        failed,
      }),
  },
  GatewayLife,
];

/**
 * `/mcp/{server}` and `/v1/mcp/servers`. Needs `Cache`, `RedisRoles`, `PlainValues`, `Keyring` and `Database` (with
 * `MCP_MIGRATIONS`) as global providers. `McpStatuses.refresh` is for a process that asks in time.
 */
@Module({})
export class McpCacheModule {
  static forRootAsync(options: McpCacheAsyncOptions): DynamicModule {
    const { routes = true } = options;
    return {
      module: McpCacheModule,
      controllers: routes ? [McpServersController] : [],
      providers: [
        { provide: ROUTES, useValue: routes },
        {
          provide: MCP_OPTIONS,
          inject: options.inject,
          useFactory: (...given: unknown[]) => options.useFactory(...given),
        },
        ...PROVIDERS,
      ],
      exports: [McpServerDirectory, McpStatuses],
    };
  }
}
