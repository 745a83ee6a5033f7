import { Inject, Injectable, type BeforeApplicationShutdown, type Provider } from '@nestjs/common';
import type { CacheSettings, Rate, RedisRoles } from '@promptsales/cache-core';
import type { ServiceLimits } from '@promptsales/call-cache';
import type { ClientPermissions as StoredPermissions } from '@promptsales/configuration';
import { LimitInstruments, type MetricsRegistry } from '@promptsales/health';
import { clientLimits, Limiter, rateLimitFields, retryAfterSeconds, serviceLimits } from '@promptsales/limits';
import type { ClientPermissions } from '@promptsales/mcp-cache';

/** Ends what would go on giving back, before Redis is closed. */
@Injectable()
class LimitsEnd implements BeforeApplicationShutdown {
  constructor(@Inject(Limiter) private readonly limiter: Limiter) {}

  beforeApplicationShutdown(): void {
    this.limiter.close();
  }
}

/** Limits that all processes share. */
export function limits(
  roles: RedisRoles,
  { keyPrefix = '', ttls = {} }: Partial<CacheSettings>,
  metrics: MetricsRegistry,
): Provider[] {
  const limiter = new Limiter(roles, { keyPrefix, ttls }, new LimitInstruments(metrics));
  return [{ provide: Limiter, useValue: limiter }, LimitsEnd];
}

/** How often services behind the cache are called. */
export function limitsOfServices(limiter: Limiter): ServiceLimits {
  return {
    take: async (service: string, rate: Rate) => {
      const verdict = await limiter.take(serviceLimits(service, rate));
      if (verdict.allowed) return null;
      return { retryAfterSeconds: retryAfterSeconds(verdict.retryAfterMs), headers: rateLimitFields(verdict) };
    },
  };
}

/** What a client may do at the MCP gateway, and how often. */
export function limitedPermissions(
  limiter: Limiter,
  { client, tenant }: { readonly client: string; readonly tenant: string },
  { active, tools, rate, maxRequestsPerHour }: StoredPermissions,
): ClientPermissions {
  return {
    active,
    tools,
    admit: async (tool) => {
      const verdict = await limiter.take(clientLimits({ client, tenant, tool, rate, maxRequestsPerHour }));
      const refused = verdict.allowed ? null : { retryAfterSeconds: retryAfterSeconds(verdict.retryAfterMs) };
      return { refused, headers: rateLimitFields(verdict) };
    },
  };
}
