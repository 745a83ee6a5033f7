import { SHARED_PROVIDERS } from '@promptsales/assembly';
import type { InvalidationOutbox } from '@promptsales/cache-management';
import type { ConfigurationOptions } from '@promptsales/configuration';
import { DatabaseUnavailableError } from '@promptsales/database';
import type { Logger } from '@promptsales/http-edge';
import type { PoliciesModuleOptions } from '@promptsales/llm-cache';

const nobody = (): never => {
  throw new Error('the worker changes no configurations');
};

/** Configurations as the worker reads them. */
export function configurationOptions(outbox: InvalidationOutbox, logger: Logger): ConfigurationOptions {
  return {
    outbox,
    sharedProviders: SHARED_PROVIDERS,
    audit: nobody,
    actorOf: nobody,
    observer: {
      watchFailed: (error) => warn(logger, error, 'changed providers could not be looked for'),
      unreadableCredential: (provider) =>
        logger.error({ provider }, 'a credential cannot be decrypted with ENCRYPTION_KEY: store the provider anew'),
    },
  };
}

/** Policies as the worker reads them. */
export function policiesOptions(logger: Logger): PoliciesModuleOptions {
  return {
    actorOf: nobody,
    watchFailed: (error) => warn(logger, error, 'changed policies could not be looked for'),
  };
}

/** That the database is away is said once, by itself. */
function warn(logger: Logger, error: unknown, what: string): void {
  if (!(error instanceof DatabaseUnavailableError)) logger.warn({ err: error }, what);
}
