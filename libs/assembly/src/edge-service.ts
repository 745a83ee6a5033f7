import type { DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedisRoles } from '@promptsales/cache-core';
import type { Environment } from '@promptsales/environment';
import { MetricsRegistry, Readiness, RedisHealth } from '@promptsales/health';
import {
  createEdgeApplication,
  EdgeAdapter,
  LateAuthenticator,
  type AccessTable,
  type Logger,
  type Principal,
} from '@promptsales/http-edge';
import { ApiKeys } from '@promptsales/identity';
import type { FastifyInstance } from 'fastify';
import { knownProblems } from './known-problems.js';
import { EvictionCheck } from './safe-eviction.js';

/** What a process tells its log, and how it ends when it finds that it must not go on. */
export interface Running {
  readonly logger: Logger;
  /** Called at most once, at any time after the start. */
  readonly refuse: (error: Error) => void;
}

/** What every part of a process shares. */
export interface SharedParts {
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly readiness: Readiness;
}

export interface EdgeServiceOptions extends Running {
  readonly name: string;
  readonly environment: Environment;
  readonly access: AccessTable;
  /** Who a request without a key is; null: nobody. */
  readonly anonymous: Principal | null;
  readonly bodyLimitBytes?: number;
  readonly module: (parts: SharedParts) => DynamicModule;
  /** Adds routes that are not Nest's. */
  readonly routes?: (app: NestFastifyApplication, adapter: EdgeAdapter) => void;
}

export interface EdgeService {
  readonly app: NestFastifyApplication;
  readonly adapter: EdgeAdapter;
  readonly readiness: Readiness;
  readonly metrics: MetricsRegistry;
}

/** Redis is normally there within milliseconds; when it is not, the process starts without it. */
const REDIS_WAIT_MS = 2_000;

/** A process of ours behind our edge, initialised and not yet listening. Whoever calls closes it. */
export async function createEdgeService(options: EdgeServiceOptions): Promise<EdgeService> {
  const { environment, logger } = options;
  const metrics = new MetricsRegistry(options.name);
  const readiness = new Readiness();
  const authenticator = new LateAuthenticator();
  const adapter = new EdgeAdapter({
    logger,
    access: options.access,
    authenticator,
    anonymous: options.anonymous,
    trustedProxies: environment.api.trustedProxies,
    ...(options.bodyLimitBytes === undefined ? {} : { bodyLimitBytes: options.bodyLimitBytes }),
    translators: knownProblems,
    answered: (method, route, status, seconds) => metrics.answered(method, route, status, seconds),
    keyUnchecked: () => metrics.keyUnchecked(),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  const app = await createEdgeApplication(options.module({ environment, logger, metrics, readiness }), adapter, logger);
  authenticator.use(app.get(ApiKeys));
  const eviction = new EvictionCheck({
    roles: app.get(RedisRoles),
    health: app.get(RedisHealth),
    required: environment.redis.requireSafeEviction,
    logger,
  });
  try {
    options.routes?.(app, adapter);
    fastify.addHook('onClose', async () => eviction.stop());
    await eviction.atStart(REDIS_WAIT_MS);
    await app.init();
    await fastify.ready();
  } catch (error) {
    await app.close();
    throw error;
  }
  void eviction.untilSeen(options.refuse);
  return { app, adapter, readiness, metrics };
}
