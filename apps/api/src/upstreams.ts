import { DEFAULT_TENANT, type Breakers } from '@promptsales/cache-core';
import type { ProviderDirectory, StoredProvider } from '@promptsales/configuration';
import type { Environment } from '@promptsales/environment';
import type { UpstreamKind } from '@promptsales/health';
import { upstreamService, type UpstreamDirectory, type UpstreamTarget } from '@promptsales/llm-cache';
import { breakerOf } from './upstream-breaker.js';

export type StoredProviders = Pick<ProviderDirectory, 'find' | 'offering'>;

const OPENAI = 'openai';
const OPENAI_ADDRESS = 'https://api.openai.com/v1';

/** Providers by which all tenants may be served, when an administrator stores them. */
export const SHARED_PROVIDERS: readonly string[] = [OPENAI, 'anthropic'];

/** Where most answers come from: what the tenant `default` is asked of. */
export function upstreamKindOf(directory: UpstreamDirectory): UpstreamKind {
  const target = directory.targetFor({ operation: 'health', tenant: DEFAULT_TENANT, model: null });
  if (target === null) return 'none';
  return target.simulated ? 'simulated' : 'configured';
}

/**
 * Whom the gateway asks: the stored provider that lists the model, else the stored `openai`, else the environment's. The
 * environment's credential goes to the environment's address only.
 */
export function upstreamsOf(
  { upstream }: Pick<Environment, 'upstream'>,
  providers: StoredProviders,
  breakers: Pick<Breakers, 'of'>,
): UpstreamDirectory {
  const { openAiBaseUrl, openAiApiKey, simulated } = upstream;
  const given: UpstreamTarget | null =
    openAiBaseUrl === null
      ? null
      : { provider: OPENAI, baseUrl: openAiBaseUrl, apiKey: openAiApiKey?.reveal() ?? null, simulated };
  // Shown from the start, also where nobody has asked it yet.
  if (given !== null) breakers.of(upstreamService(given), breakerOf(upstream));
  // The simulated provider has no use for a real credential.
  const address = openAiBaseUrl === null || simulated ? OPENAI_ADDRESS : openAiBaseUrl;
  const targets = new WeakMap<StoredProvider, UpstreamTarget>();
  const targetOf = (stored: StoredProvider): UpstreamTarget => {
    let target = targets.get(stored);
    if (target === undefined) {
      const { name, baseUrl, credential } = stored;
      target = { provider: name, baseUrl: baseUrl ?? address, apiKey: credential, simulated: false };
      breakers.of(upstreamService(target), breakerOf(upstream));
      targets.set(stored, target);
    }
    return target;
  };
  return {
    targetFor: ({ tenant, model }) => {
      const stored = (model === null ? null : providers.offering(tenant, model)) ?? providers.find(tenant, OPENAI);
      // One that says neither where to ask nor with what says nothing of it.
      if (stored === null || (stored.baseUrl === null && stored.credential === null)) return given;
      return targetOf(stored);
    },
  };
}
