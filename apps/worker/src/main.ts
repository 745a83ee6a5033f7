import 'reflect-metadata';
import { runService } from '@promptsales/assembly';
import { listen } from '@promptsales/http-edge';
import { createWorker } from './create-worker.js';

await runService('worker', process.env, async (environment, { logger }) => {
  const { app, readiness } = await createWorker(environment, logger);
  const port = environment.operations.workerPort;
  if (port === 0) return { app, readiness, readyLine: 'ready worker' };
  const address = await listen(app, { host: environment.api.host, port, portVariable: 'WORKER_PORT' });
  return { app, readiness, readyLine: `ready worker ${address}` };
});
