import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { checkEvictionAtStart, knownProblems, versionOf } from '@promptsales/assembly';
import { RedisRoles } from '@promptsales/cache-core';
import type { Environment } from '@promptsales/environment';
import { MetricsRegistry, Readiness, RedisHealth } from '@promptsales/health';
import { createEdgeApplication, EdgeAdapter, LateAuthenticator, type Logger } from '@promptsales/http-edge';
import { anonymousPrincipal, ApiKeys } from '@promptsales/identity';
import type { FastifyInstance } from 'fastify';
import { accessRules } from './access/access-rules.js';
import { ApiModule } from './api.module.js';
import { serveDocs } from './openapi/docs-page.js';
import { openApiDocument } from './openapi/document.js';

export interface Api {
  readonly app: NestFastifyApplication;
  readonly adapter: EdgeAdapter;
  readonly readiness: Readiness;
  readonly metrics: MetricsRegistry;
}

/** Redis is normally there within milliseconds; when it is not, the API starts without it. */
const REDIS_WAIT_MS = 2_000;

/** The API, initialised and not yet listening. Whoever calls closes it. */
export async function createApi(environment: Environment, logger: Logger): Promise<Api> {
  const metrics = new MetricsRegistry('api');
  const readiness = new Readiness();
  const authenticator = new LateAuthenticator();
  const adapter = new EdgeAdapter({
    logger,
    access: accessRules({ metricsPublic: environment.operations.metricsPublic }),
    authenticator,
    anonymous: anonymousPrincipal(environment.identity.anonymousScopes),
    trustedProxies: environment.api.trustedProxies,
    bodyLimitBytes: environment.api.maxBodyBytes,
    translators: knownProblems,
    answered: (method, route, status, seconds) => metrics.answered(method, route, status, seconds),
    keyUnchecked: () => metrics.keyUnchecked(),
  });
  const app = await createEdgeApplication(
    ApiModule.forRoot({ environment, logger, metrics, readiness }),
    adapter,
    logger,
  );
  authenticator.use(app.get(ApiKeys));
  try {
    serveDocs(adapter.getInstance<FastifyInstance>(), () =>
      openApiDocument(app, versionOf(import.meta.dirname), adapter.routes.all()),
    );
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
  return { app, adapter, readiness, metrics };
}
