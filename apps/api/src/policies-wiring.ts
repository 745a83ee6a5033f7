import { DatabaseUnavailableError } from '@promptsales/database';
import type { Logger } from '@promptsales/http-edge';
import type { AuditLog } from '@promptsales/identity';
import type { PoliciesModuleOptions } from '@promptsales/llm-cache';
import { principalOf } from './access/caller.js';

/** Policies, with where changes of them are written down. */
export function policiesOptions(log: AuditLog, logger: Logger): PoliciesModuleOptions {
  return {
    actorOf: (request) => {
      const principal = principalOf(request);
      return {
        note: (transaction, act) =>
          log.write(transaction, { actor: { principal, requestId: request.id }, tenant: principal.tenant, ...act }),
      };
    },
    // That the database is away is said once, by itself.
    watchFailed: (error) => {
      if (!(error instanceof DatabaseUnavailableError))
        logger.warn({ err: error }, 'changed policies could not be looked for');
    },
  };
}
