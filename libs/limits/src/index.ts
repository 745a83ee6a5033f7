export { actionWindow, clientMinute, serviceMinute, toolHour, type Counter } from './counter/counter.js';
export type { Limit, LimitState, Verdict } from './limit.js';
export { Limiter, type LimiterSettings } from './limiter.js';
export { LimitsUnavailableError } from './limits-error.js';
export type { LimitsObserver } from './limits-observer.js';
export { rateLimitFields, retryAfterSeconds } from './http/rate-limit-fields.js';
export { clientLimits, type ClientRequest } from './rules/client-limits.js';
export { serviceLimits } from './rules/service-limits.js';
