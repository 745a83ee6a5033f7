import 'reflect-metadata';
import { RedisRoles } from '@promptsales/cache-core';
import { readEnvironment } from '@promptsales/environment';
import { createLogger } from '@promptsales/http-edge';
import { secretsOf } from '@promptsales/assembly';
import { createDatabase, startRedis } from '@promptsales/test-kit';
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { PassThrough } from 'node:stream';
import request from 'supertest';
import { createApi, type Api } from '../src/create-api.js';

/** Values that must not be found anywhere outside. */
export const SECRETS = {
  adminKey: 'psk_test_admin_0123456789abcdefghijkl',
  encryptionKey: randomBytes(32).toString('base64'),
  upstreamKey: 'sk-upstream-credential-0123456789',
} as const;

/** A server that has to wait for a processor is not away. */
export const PATIENT = { REDIS_COMMAND_TIMEOUT_MS: '3000', DATABASE_WAIT_MS: '20000' } as const;

export interface TestApi extends Api {
  readonly server: Server;
  /** Everything that was logged so far. */
  readonly logged: () => string;
  /** Why a process would have ended itself. */
  readonly refusals: readonly Error[];
  readonly admin: { readonly authorization: string };
  /** The header of a new key. */
  readonly keyOf: (tenant: string, scopes: readonly string[]) => Promise<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * The whole API on real servers; `env` replaces or adds variables. Not listening: supertest does that.
 * @param withRedis false: it is away, and not waited for
 */
export async function testApi(env: NodeJS.ProcessEnv = {}, withRedis = true): Promise<TestApi> {
  const database = env['DATABASE_URL'] === undefined ? await createDatabase() : undefined;
  const redis = env['REDIS_URL'] === undefined ? await startRedis() : undefined;
  const environment = readEnvironment({
    ...(database === undefined ? {} : { DATABASE_URL: database.url }),
    ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
    ADMIN_API_KEY: SECRETS.adminKey,
    ENCRYPTION_KEY: SECRETS.encryptionKey,
    OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
    OPENAI_API_KEY: SECRETS.upstreamKey,
    LOG_LEVEL: 'debug',
    ...PATIENT,
    ...env,
  });
  const refusals: Error[] = [];
  const lines: string[] = [];
  const destination = new PassThrough();
  destination.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  const { logger } = createLogger({ service: 'api', level: 'debug', secrets: secretsOf(environment), destination });
  const api = await createApi(environment, { logger, refuse: (error) => refusals.push(error) });
  if (withRedis)
    await Promise.all(
      api.app
        .get(RedisRoles)
        .links()
        .map((link) => link.untilUp(60_000)),
    );
  api.readiness.started();
  const server: Server = api.app.getHttpServer();
  const admin = { authorization: `Bearer ${SECRETS.adminKey}` };
  return {
    ...api,
    server,
    logged: () => lines.join(''),
    refusals,
    admin,
    keyOf: async (tenant, scopes) => {
      const key = { name: tenant, tenant, scopes };
      const { body } = await request(server).post('/v1/keys').set(admin).send(key).expect(201);
      return { 'x-api-key': (body as { key: string }).key };
    },
    close: async () => {
      await api.app.close();
      await redis?.stop();
      await database?.drop();
    },
  };
}
