import { SHARED_PROVIDERS } from '@promptsales/assembly';
import type { InvalidationOutbox } from '@promptsales/cache-management';
import type { ConfigurationOptions } from '@promptsales/configuration';
import { DatabaseUnavailableError, type Database } from '@promptsales/database';
import type { Logger } from '@promptsales/http-edge';
import type { AuditLog } from '@promptsales/identity';
import { SETTINGS_KEY, settingsFaults } from '@promptsales/jobs';
import type { FastifyRequest } from 'fastify';
import { auditing } from './access/audit.js';
import { principalOf } from './access/caller.js';

export interface ConfigurationWiring {
  readonly outbox: InvalidationOutbox;
  readonly log: AuditLog;
  readonly database: Database;
  readonly logger: Logger;
}

/** Configurations, with whose they are, how they are invalidated and where acts are written down. */
export function configurationOptions({ outbox, log, database, logger }: ConfigurationWiring): ConfigurationOptions {
  // That the database is away is said once, by itself.
  const warn = (error: unknown, what: string): void => {
    if (!(error instanceof DatabaseUnavailableError)) logger.warn({ err: error }, what);
  };
  return {
    outbox,
    sharedProviders: SHARED_PROVIDERS,
    systems: { [SETTINGS_KEY]: settingsFaults },
    audit: auditing(log, database, logger),
    actorOf: (request: FastifyRequest) => {
      const principal = principalOf(request);
      const { tenant, admin } = principal;
      return {
        tenant,
        admin,
        note: (transaction, act) =>
          log.write(transaction, { actor: { principal, requestId: request.id }, tenant, ...act }),
      };
    },
    observer: {
      notWarmed: (error) => warn(error, 'a configuration is not in Redis yet'),
      watchFailed: (error) => warn(error, 'changed providers could not be looked for'),
      unreadableCredential: (provider) =>
        logger.error({ provider }, 'a credential cannot be decrypted with ENCRYPTION_KEY: store the provider anew'),
    },
  };
}
