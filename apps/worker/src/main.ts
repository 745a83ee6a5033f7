import 'reflect-metadata';
import { runService } from '@promptsales/assembly';
import { listen } from '@promptsales/http-edge';
import { createWorker } from './create-worker.js';

await runService('worker', process.env, async (environment, running) => {
  const { app, readiness } = await createWorker(environment, running);
  const port = environment.operations.workerPort;
  if (port === 0) return { app, readiness, readyLine: 'ready worker' };
  const address = await listen(app, { host: environment.api.host, port, portVariable: 'WORKER_PORT' });
  return { app, readiness, readyLine: `ready worker ${address}` };
});
