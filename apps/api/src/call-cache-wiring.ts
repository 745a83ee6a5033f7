import { breakerOf, limitsOfServices } from '@promptsales/assembly';
import type { Keyring } from '@promptsales/cache-core';
import type { CallCacheOptions } from '@promptsales/call-cache';
import { SecretKeeper, type ProviderDirectory } from '@promptsales/configuration';
import { DatabaseUnavailableError } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import type { CallInstruments } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import type { AuditLog } from '@promptsales/identity';
import type { Limiter } from '@promptsales/limits';
import { principalOf, tenantCallerOf } from './access/caller.js';

interface CallCacheWiring {
  readonly log: AuditLog;
  readonly keyring: Keyring;
  readonly logger: Logger;
  readonly instruments: CallInstruments;
  readonly limiter: Limiter;
  readonly providers: Pick<ProviderDirectory, 'find'>;
}

/** REST services, with who may change them, how their secrets are kept and what the process may take for them. */
export function callCacheOptions(
  { upstream, proxy }: Environment,
  { log, keyring, logger, instruments, limiter, providers }: CallCacheWiring,
): CallCacheOptions {
  return {
    callerOf: tenantCallerOf,
    actorOf: (request) => {
      const principal = principalOf(request);
      return {
        note: (transaction, act) =>
          log.write(transaction, { actor: { principal, requestId: request.id }, tenant: principal.tenant, ...act }),
      };
    },
    secrets: new SecretKeeper(keyring),
    githubAccount: (tenant) => {
      const stored = providers.find(tenant, 'github');
      return stored === null ? null : { token: stored.credential, user: stored.user };
    },
    upstream: { headerTimeoutMs: upstream.timeoutMs, idleTimeoutMs: upstream.idleTimeoutMs },
    breaker: breakerOf(upstream),
    limits: limitsOfServices(limiter),
    mostStoredBytes: proxy.maxStoredBytes,
    mostRecordedBytes: proxy.maxRecordedBytes,
    observer: {
      // That the database is away is said once, by itself.
      watchFailed: (error) => {
        if (!(error instanceof DatabaseUnavailableError))
          logger.warn({ err: error }, 'changed services could not be looked for');
      },
      unreadable: (service) =>
        logger.error({ service }, 'a credential cannot be decrypted with ENCRYPTION_KEY: store the service anew'),
      refreshFailed: (error) => logger.debug({ err: error }, 'an answer could not be renewed behind its reader'),
      answered: (outcome) => instruments.answered(outcome),
      refused: (why) => instruments.refused(why),
      called: (result, seconds) => instruments.called(result, seconds),
      brokeOff: (error) => logger.debug({ err: error }, 'an answer broke off on its way'),
    },
  };
}
