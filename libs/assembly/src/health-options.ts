import type { RedisRoles } from '@promptsales/cache-core';
import type { Database } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import type { HealthContributor, HealthOptions, MetricsRegistry, Readiness, UpstreamKind } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import { databaseProbe, redisServers, upstreamKind } from './health-wiring.js';

export interface HealthParts {
  readonly service: string;
  readonly version: string;
  readonly environment: Environment;
  readonly roles: RedisRoles;
  readonly database: Database;
  readonly readiness: Readiness;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
  readonly contributors: readonly HealthContributor[];
  /** Where answers come from, in a process that knows it better than the environment does. */
  readonly upstream?: () => UpstreamKind;
}

/** What health reports on in a process of ours, as the environment wants it. */
export function healthOptions(parts: HealthParts): HealthOptions {
  const { redis, operations } = parts.environment;
  return {
    service: parts.service,
    version: parts.version,
    redis: redisServers(parts.roles),
    redisOptions: {
      expectedPolicy: redis.maxMemoryPolicy,
      memoryThresholdPercent: redis.memoryThresholdPercent,
      alertOnHighMemory: redis.alertOnHighMemory,
    },
    database: databaseProbe(parts.database),
    contributors: parts.contributors,
    upstream: parts.upstream ?? (() => upstreamKind(parts.environment)),
    readiness: parts.readiness,
    checkIntervalMs: operations.healthCheckIntervalSeconds * 1000,
    log: parts.logger,
    ...(operations.metrics ? { metrics: parts.metrics } : {}),
  };
}
