import type { AuditLog } from '@promptsales/identity';
import type { SavingsModuleOptions } from '@promptsales/llm-cache';
import { ledgerReaderOf, principalOf } from './access/caller.js';

/** Reports, and prices with where changes of them are written down. */
export function savingsOptions(log: AuditLog): SavingsModuleOptions {
  return {
    callerOf: ledgerReaderOf,
    notePrices: (request, transaction, act) => {
      const principal = principalOf(request);
      return log.write(transaction, { actor: { principal, requestId: request.id }, tenant: principal.tenant, ...act });
    },
  };
}
