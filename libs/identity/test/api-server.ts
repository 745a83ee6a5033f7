import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  DatabaseModule,
  DatabaseUnavailableError,
  type DatabaseLog,
  type DatabaseOptions,
} from '@promptsales/database';
import { ApiKeys, IDENTITY_MIGRATIONS, IdentityModule, type Principal } from '../src/index.js';

export const ADMIN_KEY = 'the-administrators-own-key';

/** The library as an application wires it: one hook that authenticates, one pipe that validates. */
export async function startApi(
  url: string,
  more: Partial<DatabaseOptions> = {},
  log: DatabaseLog = SILENT,
): Promise<NestFastifyApplication> {
  @Module({
    imports: [
      DatabaseModule.forRoot({ url, migrations: [IDENTITY_MIGRATIONS], log, ...more }),
      IdentityModule.forRoot({ adminKey: ADMIN_KEY }),
    ],
  })
  class Application {}
  const app = await NestFactory.create<NestFastifyApplication>(Application, new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
  const keys = app.get(ApiKeys);
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (request, reply) => {
      const presented = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      try {
        const principal: Principal | null =
          presented === undefined ? keys.anonymous : await keys.authenticate(presented);
        if (principal === null) return await reply.code(401).send();
        Object.assign(request, { principal });
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError)) throw error;
        return await reply.code(503).header('retry-after', String(error.retryAfterSeconds)).send();
      }
      return undefined;
    });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

const SILENT: DatabaseLog = { info: () => undefined, warn: () => undefined };

export function as(key: string): { authorization: string } {
  return { authorization: `Bearer ${key}` };
}
