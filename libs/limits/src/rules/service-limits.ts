import type { Rate } from '@promptsales/cache-core';
import { actionWindow, serviceMinute } from '../counter/counter.js';
import type { Limit } from '../limit.js';

/** How often a service behind the cache may be asked, by all callers and processes together. */
export function serviceLimits(service: string, { requests, windowSeconds }: Rate): readonly Limit[] {
  const counter =
    windowSeconds === 60 ? serviceMinute(service) : actionWindow(service, '@service.rate_limit', windowSeconds);
  return [{ name: 'service_rate_limit', counter, most: requests, onOutage: 'open' }];
}
