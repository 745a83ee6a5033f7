import type { ManagementCaller } from '@promptsales/cache-management';
import { ProblemError, type Principal } from '@promptsales/http-edge';
import type { Caller, LedgerReader } from '@promptsales/llm-cache';
import type { FastifyRequest } from 'fastify';

/** Who asks. Routes that use it have a rule that wants a key, so that there is always somebody. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new ProblemError('unauthenticated', 'This needs an API key.');
  return request.principal;
}

/** The caller as one of a tenant, whose names are his own. */
export function tenantCallerOf(request: FastifyRequest): ManagementCaller {
  const { tenant, admin, scopes } = principalOf(request);
  return { tenant, admin, scopes };
}

/** The caller as the reader of the ledger's reports. */
export function ledgerReaderOf(request: FastifyRequest): LedgerReader {
  const { tenant, admin } = principalOf(request);
  return { tenant, admin };
}

/** The caller as the one whose spending it is, and for whom. */
export function callerOf(request: FastifyRequest): Caller {
  const { tenant, keyId, client } = principalOf(request);
  return { tenant, keyId, client, ...request.attribution };
}
