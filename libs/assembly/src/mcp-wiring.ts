import type { DynamicModule } from '@nestjs/common';
import { ClientConfigurations } from '@promptsales/configuration';
import { DatabaseUnavailableError } from '@promptsales/database';
import { RedisUnavailableError } from '@promptsales/cache-core';
import type { Environment } from '@promptsales/environment';
import type { Readiness } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import { Limiter } from '@promptsales/limits';
import { McpCacheModule, type McpOptions } from '@promptsales/mcp-cache';
import { FailureLog } from './failure-log.js';
import { limitedPermissions } from './limits-wiring.js';

export interface McpWiring {
  readonly environment: Environment;
  readonly logger: Logger;
  readonly readiness: Readiness;
  /** Absent: for a process that looks after the servers and serves nobody. */
  readonly routes?: {
    readonly inject: Parameters<typeof McpCacheModule.forRootAsync>[0]['inject'];
    /** A method, so that its parameters may have the types of what is injected. */
    callers(...dependencies: unknown[]): Pick<McpOptions, 'callerOf' | 'actorOf' | 'observer'>;
  };
}

/** The MCP gateway on what `PlatformModule` and `ConfigurationModule` provide. */
export function mcpModule({ environment, logger, readiness, routes }: McpWiring): DynamicModule {
  const { operations, upstream, api } = environment;
  const failures = new FailureLog(logger, 'the MCP gateway met a failure');
  return McpCacheModule.forRootAsync({
    routes: routes !== undefined,
    inject: [ClientConfigurations, Limiter, ...(routes?.inject ?? [])],
    useFactory: (clients: ClientConfigurations, limiter: Limiter, ...dependencies: unknown[]): McpOptions => ({
      stdioAllow: operations.mcpStdioAllow,
      bodyLimitBytes: api.maxBodyBytes,
      upstream: { timeoutMs: upstream.timeoutMs },
      ...(routes?.callers(...dependencies) ?? { callerOf: nobody, actorOf: nobody }),
      ending: readiness.ending,
      permissionsOf: async (client, tenant) => {
        const stored = await clients.permissions(client, tenant);
        return stored === null ? null : limitedPermissions(limiter, { client, tenant }, stored);
      },
      // That the database is away is said once, by itself.
      watchFailed: (error) => {
        if (!(error instanceof DatabaseUnavailableError)) failures.failed(error);
      },
      unreadable: (server) =>
        logger.error({ server }, 'secrets cannot be decrypted with ENCRYPTION_KEY: store the MCP server anew'),
      // That Redis is away is said once, by its links.
      failed: (error) => {
        if (!(error instanceof RedisUnavailableError)) failures.failed(error);
      },
    }),
  });
}

function nobody(): never {
  throw new Error('this process serves no MCP clients');
}
