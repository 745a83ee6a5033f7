import 'reflect-metadata';
import { runService } from '@promptsales/assembly';
import { listen } from '@promptsales/http-edge';
import { createApi } from './create-api.js';

await runService('api', process.env, async (environment, running) => {
  const { app, readiness } = await createApi(environment, running);
  const { host, port } = environment.api;
  const address = await listen(app, { host, port, portVariable: 'PORT' });
  return { app, readiness, readyLine: `ready ${address}` };
});
