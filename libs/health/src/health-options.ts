import type { DatabaseProbe, HealthContributor, RedisServers, UpstreamKind } from './probes/dependencies.js';
import type { RedisHealthOptions } from './redis/redis-health.js';
import type { MetricsRegistry } from './metrics/metrics-registry.js';
import type { Readiness } from './summary/readiness.js';

export interface HealthLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface HealthOptions {
  /** Which process answers: `api`, `worker`. */
  readonly service: string;
  readonly version: string;
  readonly redis: RedisServers;
  readonly redisOptions: RedisHealthOptions;
  readonly database: DatabaseProbe;
  readonly contributors: readonly HealthContributor[];
  readonly upstream: () => UpstreamKind;
  readonly readiness: Readiness;
  /** How often the state is looked at without anybody asking; changes are logged. */
  readonly checkIntervalMs: number;
  readonly log: HealthLog;
  /** Undefined switches `/metrics` off. */
  readonly metrics?: MetricsRegistry;
}

export const HEALTH_OPTIONS = Symbol('HEALTH_OPTIONS');
