import { keyspace, type Breakers, type Cache, type KeyRef, type RedisRoles } from '@promptsales/cache-core';
import { IdentityRefusedError, type KeyOfRequest } from '@promptsales/cache-management';
import type { ProviderDirectory } from '@promptsales/configuration';
import type { Environment } from '@promptsales/environment';
import type { GatewayInstruments } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import {
  attributionOf,
  GenerationRequestError,
  LlmError,
  OverriddenPrices,
  type AnswerKeys,
  type KeyedRequest,
  type Ledger,
  type LlmCacheObserver,
  type LlmCacheOptions,
  type PolicyDirectory,
  type Prices,
} from '@promptsales/llm-cache';
import { callerOf } from './access/caller.js';
import { FailureLog } from './failure-log.js';
import { priceOverridesOf } from './ledger-wiring.js';
import { upstreamsOf, type StoredProviders } from './upstreams.js';

/** Readers have left or have been cut off by then; what is still asked for nobody is given this long to be kept. */
const SHUTDOWN_MS = 1_000;

export interface LlmParts {
  readonly environment: Environment;
  readonly cache: Cache;
  readonly roles: RedisRoles;
  readonly ledger: Ledger;
  readonly breakers: Breakers;
  readonly providers: StoredProviders & Pick<ProviderDirectory, 'serving'>;
  readonly policies: PolicyDirectory;
  readonly listPrices: Prices;
  readonly instruments: GatewayInstruments;
  readonly logger: Logger;
}

export function llmCacheOptions(parts: LlmParts): LlmCacheOptions {
  const { environment, cache, roles, ledger, breakers, providers, policies, listPrices, instruments, logger } = parts;
  const { upstream, api } = environment;
  return {
    cache,
    roles,
    ledger,
    callerOf,
    upstreams: upstreamsOf(environment, providers, breakers),
    policies,
    prices: new OverriddenPrices(listPrices, priceOverridesOf(providers)),
    breakers,
    upstream: { timeoutMs: upstream.timeoutMs, idleTimeoutMs: upstream.idleTimeoutMs },
    observer: observerOf(instruments, new FailureLog(logger)),
    bodyLimitBytes: api.maxBodyBytes,
    shutdownMs: SHUTDOWN_MS,
  };
}

/** By family: the gateway's own identity of a request, for whoever looks its answer up by key. */
export function identitiesOf(keys: AnswerKeys): ReadonlyMap<string, KeyOfRequest> {
  return new Map([
    [keyspace.llmResponse.id, keyOf((request) => keys.keyOf(request))],
    [keyspace.llmEmbedding.id, keyOf((request) => keys.keyOfEmbedding(request))],
    [keyspace.aiGeneration.id, keyOf((request) => keys.keyOfGeneration(request))],
  ]);
}

function keyOf(keyed: (request: KeyedRequest) => KeyRef): KeyOfRequest {
  return ({ asking, ...request }) => {
    try {
      return keyed({ ...request, headers: asking.headers, caller: attributionOf(callerOf(asking)) });
    } catch (error) {
      if (error instanceof LlmError || error instanceof GenerationRequestError)
        throw new IdentityRefusedError(error.message, { cause: error });
      throw error;
    }
  };
}

/** An object literal: observers are spread by those who add to them, which a class's methods do not survive. */
function observerOf(instruments: GatewayInstruments, failures: FailureLog): LlmCacheObserver {
  return {
    answered: (outcome, form, seconds) => instruments.answered(outcome, form, seconds),
    upstream: (outcome, seconds) => instruments.upstream(outcome, seconds),
    kept: (result) => instruments.kept(result),
    attached: (side) => instruments.attached(side),
    failed: (error) => {
      instruments.failed();
      failures.failed(error);
    },
  };
}
