import type { RedisRoles } from '@promptsales/cache-core';
import { explainEviction, type RedisHealth } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import { setTimeout as delay } from 'node:timers/promises';

/** Keys that must not be lost could be evicted, and the process was told to refuse that. */
export class UnsafeEvictionError extends Error {
  readonly code = 'unsafe_eviction';

  constructor(findings: readonly string[]) {
    super(`REQUIRE_SAFE_EVICTION: is true, and ${findings.join('; ')}.`);
    this.name = 'UnsafeEvictionError';
  }
}

export interface EvictionCheck {
  readonly roles: RedisRoles;
  readonly health: RedisHealth;
  readonly required: boolean;
  readonly logger: Logger;
  /** How long Redis is waited for. It may be absent: then there is nothing to check yet, and health will. */
  readonly withinMs: number;
}

const LOOK_EVERY_MS = 25;

/** Says loudly at start what memory pressure could take; refuses to start where that was asked for. */
export async function checkEvictionAtStart({
  roles,
  health,
  required,
  logger,
  withinMs,
}: EvictionCheck): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!roles.up && performance.now() < deadline) await delay(LOOK_EVERY_MS);
  if (!roles.up) {
    logger.warn('Redis cannot be reached: starting without it, every request goes to its origin until it appears');
    return;
  }
  const report = await health.report();
  const unsafe: string[] = [];
  for (const { eviction } of report.servers) {
    const explanation = explainEviction(eviction);
    if (explanation === null) continue;
    logger.warn({ eviction }, explanation);
    if (eviction.kind === 'unsafe') unsafe.push(explanation);
  }
  if (required && unsafe.length > 0) throw new UnsafeEvictionError(unsafe);
}
