import { Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { HEALTH_OPTIONS, type HealthOptions } from '../health-options.js';
import { DatabaseHealth } from '../probes/database-health.js';
import type { UpstreamKind } from '../probes/dependencies.js';
import { RedisHealth } from '../redis/redis-health.js';

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

export interface HealthSummaryReport {
  readonly status: HealthStatus;
  readonly database: 'connected' | 'disconnected';
  readonly redis: 'connected' | 'disconnected';
  readonly upstream: UpstreamKind;
  /** By indicator; for holders of a key only. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The state of the whole, from its parts. Redis and PostgreSQL each have a fallback (the origin; cached keys and the spool), so
 * losing one degrades. Losing both, or a part that reports itself down, leaves users without an answer: unhealthy.
 */
@Injectable()
export class HealthSummary {
  constructor(
    @Inject(HealthCheckService) private readonly checks: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(RedisHealth) private readonly redis: RedisHealth,
    @Inject(DatabaseHealth) private readonly database: DatabaseHealth,
    @Inject(HEALTH_OPTIONS) private readonly options: HealthOptions,
  ) {}

  async report(): Promise<HealthSummaryReport> {
    const [redis, database] = await Promise.all([this.redis.report(), this.database.report()]);
    const bothGone = redis.state === 'disconnected' && database.state === 'disconnected';
    const { status, details } = await this.#check([
      () =>
        this.#indicate('redis', redis.troubles.length === 0 ? 'up' : bothGone ? 'down' : 'degraded', {
          state: redis.state,
          troubles: redis.troubles,
        }),
      () =>
        this.#indicate('database', database.state === 'connected' ? 'up' : bothGone ? 'down' : 'degraded', {
          state: database.state,
          ping_time_ms: database.pingMs,
          reason: database.reason,
        }),
      ...this.options.contributors.map((contributor) => () => {
        const condition = contributor.condition();
        return this.#indicate(contributor.name, condition.status, condition.detail);
      }),
    ]);
    return { status, database: database.state, redis: redis.state, upstream: this.options.upstream(), details };
  }

  #indicate(
    name: string,
    status: 'up' | 'degraded' | 'down',
    detail: Readonly<Record<string, unknown>>,
  ): HealthIndicatorResult {
    const indicator = this.indicators.check(name);
    const data = { ...detail };
    if (status === 'up') return indicator.up(data);
    return status === 'degraded' ? indicator.degraded(data) : indicator.down(data);
  }

  /** Terminus answers a failed check by throwing what its own controller would send. */
  async #check(
    indicators: (() => HealthIndicatorResult)[],
  ): Promise<{ status: HealthStatus; details: Readonly<Record<string, unknown>> }> {
    try {
      const result = await this.checks.check(indicators);
      return { status: result.status === 'ok' ? 'healthy' : 'degraded', details: result.details };
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      const response = error.getResponse();
      const details: unknown = typeof response === 'object' ? Reflect.get(response, 'details') : undefined;
      return { status: 'unhealthy', details: typeof details === 'object' && details !== null ? { ...details } : {} };
    }
  }
}
