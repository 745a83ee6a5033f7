import type { LimitState } from '../limit.js';
import { rateLimitFields } from './rate-limit-fields.js';

const minute: LimitState = {
  name: 'client_rate_limit',
  most: 500,
  windowMs: 60_000,
  remaining: 0,
  resetMs: 1234,
  retryAfterMs: 1234,
};
const hour: LimitState = {
  name: 'client_max_requests_hora',
  most: 1000,
  windowMs: 3_600_000,
  remaining: 7,
  resetMs: 60_000,
  retryAfterMs: 0,
};

describe('what answers say of limits', () => {
  it('names each with what is left, and when there is more; a denial agrees with it', () => {
    const policy = '"client_rate_limit";q=500;w=60, "client_max_requests_hora";q=1000;w=3600';
    const left = '"client_rate_limit";r=0;t=2, "client_max_requests_hora";r=7;t=60';
    const states = [minute, hour];
    expect(rateLimitFields({ allowed: true, states })).toEqual({ 'ratelimit-policy': policy, ratelimit: left });
    expect(rateLimitFields({ allowed: false, states, retryAfterMs: 1234 })).toEqual({
      'ratelimit-policy': policy,
      ratelimit: left,
      'retry-after': '2',
    });
  });

  it('is nothing where there is no limit', () => {
    expect(rateLimitFields({ allowed: true, states: [] })).toEqual({});
  });
});
