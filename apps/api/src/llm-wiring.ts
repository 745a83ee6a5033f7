import type { Breakers, BreakerSettings, Cache, RedisRoles } from '@promptsales/cache-core';
import { IdentityRefusedError, type KeyOfRequest } from '@promptsales/cache-management';
import type { Environment } from '@promptsales/environment';
import type { GatewayInstruments } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import {
  attributionOf,
  LlmError,
  upstreamService,
  type AnswerKeys,
  type Ledger,
  type LlmCacheObserver,
  type LlmCacheOptions,
  type UpstreamDirectory,
  type UpstreamTarget,
} from '@promptsales/llm-cache';
import { callerOf } from './access/caller.js';
import { FailureLog } from './failure-log.js';

/** Providers by which all tenants may be served, when an administrator stores them. */
export const SHARED_PROVIDERS: readonly string[] = ['openai', 'anthropic'];

/** Readers have left or have been cut off by then; what is still asked for nobody is given this long to be kept. */
const SHUTDOWN_MS = 1_000;

export interface LlmParts {
  readonly environment: Environment;
  readonly cache: Cache;
  readonly roles: RedisRoles;
  readonly ledger: Ledger;
  readonly breakers: Breakers;
  readonly instruments: GatewayInstruments;
  readonly logger: Logger;
}

export function llmCacheOptions(parts: LlmParts): LlmCacheOptions {
  const { environment, cache, roles, ledger, breakers, instruments, logger } = parts;
  const { upstream, api } = environment;
  return {
    cache,
    roles,
    ledger,
    callerOf,
    upstreams: upstreamsOf(environment, breakers),
    breakers,
    upstream: { timeoutMs: upstream.timeoutMs, idleTimeoutMs: upstream.idleTimeoutMs },
    observer: observerOf(instruments, new FailureLog(logger)),
    bodyLimitBytes: api.maxBodyBytes,
    shutdownMs: SHUTDOWN_MS,
  };
}

/** The gateway's own identity of a request, for whoever looks its answer up by key. */
export function keyOfAnswer(keys: AnswerKeys): KeyOfRequest {
  return ({ body, asking }) => {
    try {
      return keys.keyOf({ body, headers: asking.headers, caller: attributionOf(callerOf(asking)) });
    } catch (error) {
      if (error instanceof LlmError) throw new IdentityRefusedError(error.message, { cause: error });
      throw error;
    }
  };
}

/** The default upstreams of the environment, by protocol. */
function upstreamsOf({ upstream }: Environment, breakers: Breakers): UpstreamDirectory {
  const openAi: UpstreamTarget | null =
    upstream.openAiBaseUrl === null
      ? null
      : {
          provider: 'openai',
          baseUrl: upstream.openAiBaseUrl,
          apiKey: upstream.openAiApiKey?.reveal() ?? null,
          simulated: upstream.simulated,
        };
  // Shown from the start, also where nobody has asked it yet.
  if (openAi !== null) breakers.of(upstreamService(openAi), breakerOf(upstream));
  return { targetFor: () => openAi };
}

/** What makes an upstream be left alone. */
export function breakerOf(upstream: Environment['upstream']): Partial<BreakerSettings> {
  return {
    consecutiveFailures: upstream.breakerFailures,
    failureRatio: upstream.breakerFailurePercent / 100,
    minimumCalls: upstream.breakerMinimumCalls,
    firstOpenMs: upstream.breakerOpenSeconds * 1000,
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
