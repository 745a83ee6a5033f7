import { createEdgeService, type EdgeService, type Running } from '@promptsales/assembly';
import type { Environment } from '@promptsales/environment';
import { accessRules } from './access-rules.js';
import { WorkerModule } from './worker.module.js';

export type Worker = EdgeService;

/** The worker, initialised: its jobs have their turns from now on. Whoever calls closes it. */
export function createWorker(environment: Environment, running: Running): Promise<Worker> {
  return createEdgeService({
    ...running,
    name: 'worker',
    environment,
    access: accessRules({ metricsPublic: environment.operations.metricsPublic }),
    anonymous: null,
    module: (parts) => WorkerModule.forRoot(parts),
  });
}
