import { DEFAULT_TENANT, type Breakers } from '@promptsales/cache-core';
import type { ProviderDirectory, StoredProvider } from '@promptsales/configuration';
import type { Environment } from '@promptsales/environment';
import type { UpstreamKind } from '@promptsales/health';
import { upstreamService, type UpstreamDirectory, type UpstreamTarget } from '@promptsales/llm-cache';
import { breakerOf } from './upstream-breaker.js';

export type StoredProviders = Pick<ProviderDirectory, 'find' | 'offering'>;

/** Those who speak one provider's protocol, and whom to ask of them. */
interface House {
  /** Of the provider that serves where no other lists the model. */
  readonly name: 'openai' | 'anthropic';
  /** Where it is asked when it is stored with a credential alone. */
  readonly address: string;
  readonly given: UpstreamTarget | null;
}

const OPENAI_ADDRESS = 'https://api.openai.com/v1';
const ANTHROPIC_ADDRESS = 'https://api.anthropic.com';

/** Providers by which all tenants may be served, when an administrator stores them. */
export const SHARED_PROVIDERS: readonly string[] = ['openai', 'anthropic'];

/** Where most answers come from: what the tenant `default` is asked of. */
export function upstreamKindOf(directory: UpstreamDirectory): UpstreamKind {
  const asked = ['openai.health', 'anthropic.health'].map((operation) =>
    directory.targetFor({ operation, tenant: DEFAULT_TENANT, model: null }),
  );
  const target = asked.find((one) => one !== null);
  if (target === undefined || target === null) return 'none';
  return target.simulated ? 'simulated' : 'configured';
}

/**
 * Whom the gateway asks: the stored provider that lists the model and speaks the protocol, else the stored `openai` or
 * `anthropic`, else the environment's. The environment's credentials go to the environment's addresses only.
 */
export function upstreamsOf(
  { upstream }: Pick<Environment, 'upstream'>,
  providers: StoredProviders,
  breakers: Pick<Breakers, 'of'>,
): UpstreamDirectory {
  const houses = [openAi(upstream), anthropic(upstream)] as const;
  // Shown from the start, also where nobody has asked it yet.
  for (const { given } of houses) if (given !== null) breakers.of(upstreamService(given), breakerOf(upstream));
  const targets = new WeakMap<StoredProvider, UpstreamTarget>();
  const targetOf = (stored: StoredProvider, address: string): UpstreamTarget => {
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
    targetFor: ({ operation, tenant, model }) => {
      const { name, given, address } = houses[operation.startsWith('anthropic.') ? 1 : 0];
      const listing = model === null ? null : providers.offering(tenant, model, name);
      const stored = listing ?? providers.find(tenant, name);
      // One that says neither where to ask nor with what says nothing of it.
      if (stored === null || (stored.baseUrl === null && stored.credential === null)) return given;
      return targetOf(stored, address);
    },
  };
}

function openAi({ openAiBaseUrl, openAiApiKey, simulated }: Environment['upstream']): House {
  const name = 'openai';
  if (openAiBaseUrl === null) return { name, address: OPENAI_ADDRESS, given: null };
  const given = { provider: name, baseUrl: openAiBaseUrl, apiKey: openAiApiKey?.reveal() ?? null, simulated };
  // The simulated provider has no use for a real credential.
  return { name, address: simulated ? OPENAI_ADDRESS : openAiBaseUrl, given };
}

function anthropic(upstream: Environment['upstream']): House {
  const name = 'anthropic';
  const { anthropicBaseUrl, anthropicApiKey } = upstream;
  if (anthropicBaseUrl === null) return { name, address: ANTHROPIC_ADDRESS, given: null };
  const simulated = isSimulated(anthropicBaseUrl, upstream);
  const given = { provider: name, baseUrl: anthropicBaseUrl, apiKey: anthropicApiKey?.reveal() ?? null, simulated };
  return { name, address: simulated ? ANTHROPIC_ADDRESS : anthropicBaseUrl, given };
}

/** The mark is that of one server, which speaks both protocols: what is asked elsewhere is not simulated. */
function isSimulated(baseUrl: string, { simulated, openAiBaseUrl }: Environment['upstream']): boolean {
  return simulated && openAiBaseUrl !== null && new URL(openAiBaseUrl).origin === new URL(baseUrl).origin;
}
