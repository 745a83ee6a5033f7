import type { ManagementAct } from '@promptsales/cache-management';
import type { Database } from '@promptsales/database';
import type { Logger } from '@promptsales/http-edge';
import type { AuditLog } from '@promptsales/identity';
import type { FastifyRequest } from 'fastify';

/** Writes acts down that do not wait for the database. One that could not be written stands in the log of the process. */
export function auditing(log: AuditLog, database: Database, logger: Logger) {
  return ({ principal, id: requestId }: FastifyRequest, act: ManagementAct): void => {
    if (principal === null) return;
    const { tenant } = principal;
    database
      .as<Record<string, never>>()
      .transaction()
      .execute((transaction) => log.write(transaction, { actor: { principal, requestId }, tenant, ...act }))
      .catch((error: unknown) =>
        logger.error({ err: error, act, tenant, keyId: principal.keyId, requestId }, 'an act is not in the audit log'),
      );
  };
}
