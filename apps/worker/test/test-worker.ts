import 'reflect-metadata';
import { readEnvironment } from '@promptsales/environment';
import { createLogger } from '@promptsales/http-edge';
import { createDatabase, startRedis } from '@promptsales/test-kit';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { createWorker, type Worker } from '../src/create-worker.js';

const ADMIN_KEY = 'psk_test_admin_0123456789abcdefghijkl';

export interface TestWorker extends Worker {
  readonly admin: { readonly authorization: string };
  close(): Promise<void>;
}

/** The whole worker on real servers. */
export async function testWorker(): Promise<TestWorker> {
  const [database, redis] = await Promise.all([createDatabase(), startRedis()]);
  const environment = readEnvironment({
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    // A server that has to wait for a processor is not away.
    REDIS_COMMAND_TIMEOUT_MS: '3000',
    DATABASE_WAIT_MS: '20000',
    ADMIN_API_KEY: ADMIN_KEY,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  });
  const { logger } = createLogger({ service: 'worker', destination: new PassThrough().resume() });
  const worker = await createWorker(environment, { logger, refuse: () => undefined });
  worker.readiness.started();
  return {
    ...worker,
    admin: { authorization: `Bearer ${ADMIN_KEY}` },
    close: async () => {
      await worker.app.close();
      await redis.stop();
      await database.drop();
    },
  };
}
