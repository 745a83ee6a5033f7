import type { Environment } from '@promptsales/environment';
import { createLogger, type ProcessLogger } from '@promptsales/http-edge';
import { secretsOf } from './secrets.js';

/** The log of a process, which none of the process's own secrets gets into. */
export function processLog(service: string, environment: Environment): ProcessLogger {
  const log = createLogger({ service, level: environment.api.logLevel, secrets: secretsOf(environment) });
  for (const warning of [...environment.warnings, ...notYet(environment)]) log.logger.warn(warning);
  return log;
}

/** Variables that this version reads and does not follow. */
function notYet({ api }: Environment): string[] {
  if (api.processes === 1) return [];
  return [
    `API_PROCESSES is ${api.processes}, and this version serves from one process: start several with a PORT each behind a balancer`,
  ];
}
