import type { Rate } from '@promptsales/cache-core';

/** How often services may be called, over all processes. What is served from the cache is no call. */
export interface ServiceLimits {
  /** Counts a call of the service. Null: it may be made; else it was not counted. */
  take(service: string, rate: Rate): Promise<TooOften | null>;
}

export interface TooOften {
  readonly retryAfterSeconds: number;
  /** What the caller is told of the limit, by names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}
