import type { BreakerSettings } from '@promptsales/cache-core';
import type { Environment } from '@promptsales/environment';

/** What makes an upstream be left alone. */
export function breakerOf(upstream: Environment['upstream']): Partial<BreakerSettings> {
  return {
    consecutiveFailures: upstream.breakerFailures,
    failureRatio: upstream.breakerFailurePercent / 100,
    minimumCalls: upstream.breakerMinimumCalls,
    firstOpenMs: upstream.breakerOpenSeconds * 1000,
  };
}
