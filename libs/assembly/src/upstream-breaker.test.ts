import { DEFAULT_BREAKER } from '@promptsales/cache-core';
import { readEnvironment } from '@promptsales/environment';
import { breakerOf } from './upstream-breaker.js';

const settings = (env: NodeJS.ProcessEnv) => {
  const { upstream } = readEnvironment({
    REDIS_URL: 'redis://localhost',
    DATABASE_URL: 'postgres://localhost/x',
    ADMIN_API_KEY: 'admin-key-0123456789abcdef',
    ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
    ...env,
  });
  return { ...DEFAULT_BREAKER, ...breakerOf(upstream) };
};

it('leaves breakers of upstreams as they are by default', () => {
  expect(settings({})).toEqual(DEFAULT_BREAKER);
});

it('opens and holds them as the variables say', () => {
  expect(
    settings({
      UPSTREAM_BREAKER_FAILURES: '3',
      UPSTREAM_BREAKER_FAILURE_PERCENT: '20',
      UPSTREAM_BREAKER_MINIMUM_CALLS: '5',
      UPSTREAM_BREAKER_OPEN_SECONDS: '120',
    }),
  ).toMatchObject({ consecutiveFailures: 3, failureRatio: 0.2, minimumCalls: 5, firstOpenMs: 120_000 });
});
