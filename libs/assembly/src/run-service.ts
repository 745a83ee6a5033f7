import { catalogue } from '@promptsales/cache-core';
import { readEnvironment, type Environment } from '@promptsales/environment';
import type { Readiness } from '@promptsales/health';
import { ProcessLifecycle, type ProcessLogger } from '@promptsales/http-edge';
import type { INestApplication } from '@nestjs/common';
import type { Running } from './edge-service.js';
import { processLog } from './process-log.js';
import { shutdownSteps } from './shutdown-steps.js';
import { startFailure } from './start-failure.js';

/** A started process: listening, or working without a port. */
export interface Service {
  readonly app: INestApplication;
  readonly readiness: Readiness;
  /** What is printed once it is ready. */
  readonly readyLine: string;
}

/**
 * The life of a process from its variables to its end. What is wrong at start is told in words on standard error, and the process
 * ends with 1; `start` says when it is ready, and only then the one line goes to standard output.
 */
export async function runService(
  name: string,
  env: NodeJS.ProcessEnv,
  start: (environment: Environment, running: Running) => Promise<Service>,
): Promise<void> {
  let log: ProcessLogger | undefined;
  try {
    const environment = readEnvironment(env, { families: catalogue.families.map((family) => family.id) });
    log = processLog(name, environment);
    const lifecycle = new ProcessLifecycle({ log });
    const { app, readiness, readyLine } = await start(environment, {
      logger: log.logger,
      refuse: (error) => {
        process.stderr.write(`${name} must not go on\n${error.message}\n`);
        void lifecycle.refuse(error);
      },
    });
    lifecycle.onShutdown(shutdownSteps(app, readiness, log.logger));
    readiness.started();
    process.stdout.write(`${readyLine}\n`);
  } catch (error) {
    await log?.flush();
    process.stderr.write(`${startFailure(name, error)}\n`);
    process.exit(1);
  }
}
