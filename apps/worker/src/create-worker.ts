import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { checkEvictionAtStart, knownProblems } from '@promptsales/assembly';
import { RedisRoles } from '@promptsales/cache-core';
import type { Environment } from '@promptsales/environment';
import { MetricsRegistry, Readiness, RedisHealth } from '@promptsales/health';
import { createEdgeApplication, EdgeAdapter, LateAuthenticator, type Logger } from '@promptsales/http-edge';
import { ApiKeys } from '@promptsales/identity';
import type { FastifyInstance } from 'fastify';
import { accessRules } from './access-rules.js';
import { WorkerModule } from './worker.module.js';

export interface Worker {
  readonly app: NestFastifyApplication;
  readonly readiness: Readiness;
}

const REDIS_WAIT_MS = 2_000;

/** The worker, initialised: its jobs have their turns from now on. Whoever calls closes it. */
export async function createWorker(environment: Environment, logger: Logger): Promise<Worker> {
  const metrics = new MetricsRegistry('worker');
  const readiness = new Readiness();
  const authenticator = new LateAuthenticator();
  const adapter = new EdgeAdapter({
    logger,
    access: accessRules({ metricsPublic: environment.operations.metricsPublic }),
    authenticator,
    anonymous: null,
    trustedProxies: environment.api.trustedProxies,
    translators: knownProblems,
    answered: (method, route, status, seconds) => metrics.answered(method, route, status, seconds),
    keyUnchecked: () => metrics.keyUnchecked(),
  });
  const app = await createEdgeApplication(
    WorkerModule.forRoot({ environment, logger, metrics, readiness }),
    adapter,
    logger,
  );
  authenticator.use(app.get(ApiKeys));
  try {
    await checkEvictionAtStart({
      roles: app.get(RedisRoles),
      health: app.get(RedisHealth),
      required: environment.redis.requireSafeEviction,
      logger,
      withinMs: REDIS_WAIT_MS,
    });
    await app.init();
    await adapter.getInstance<FastifyInstance>().ready();
  } catch (error) {
    await app.close();
    throw error;
  }
  return { app, readiness };
}
