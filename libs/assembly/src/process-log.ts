import { RedisUnavailableError } from '@promptsales/cache-core';
import { DatabaseUnavailableError } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import { createLogger, type ProcessLogger } from '@promptsales/http-edge';
import { secretsOf } from './secrets.js';

/** The log of a process, which none of the process's own secrets gets into. */
export function processLog(service: string, environment: Environment): ProcessLogger {
  const log = createLogger({
    service,
    level: environment.api.logLevel,
    secrets: secretsOf(environment),
    isOutage: (error) => error instanceof RedisUnavailableError || error instanceof DatabaseUnavailableError,
  });
  for (const warning of environment.warnings) log.logger.warn(warning);
  return log;
}
