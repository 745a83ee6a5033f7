import type { FieldError } from '@promptsales/http-edge';
import { refuse } from '../configuration-error.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';

/** What a provider speaks: who lists a model is asked for it in his own language only. */
export type ProviderProtocol = 'openai' | 'anthropic';

/** The members of a provider that the platform itself uses; all others are the caller's own. */
export interface ProviderFields {
  /** `protocol`; without it a provider called `anthropic` speaks Anthropic's, every other OpenAI's. */
  readonly protocol: ProviderProtocol | null;
  readonly baseUrl: string | null;
  /** `token`, else `api_key`. */
  readonly credential: string | null;
  /** Whose account it is, where it is somebody's. */
  readonly user: string | null;
  readonly models: readonly string[];
  /** USD for a million tokens by class, by model: `{"gpt-4o-mini": {"input": "0.15"}}`. */
  readonly prices: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const DECIMAL = /^\d{1,9}(?:\.\d{1,9})?$/;

/** @throws ConfigurationError `configuration_invalid` for a member that cannot be what it is called */
export function checkProvider(value: JsonObject): void {
  const faults: FieldError[] = [];
  const fault = (path: string, message: string): void => void faults.push({ path, message });
  const { base_url: baseUrl, token, user, models, price_overrides: prices, protocol } = value;
  if (given(baseUrl) && !(typeof baseUrl === 'string' && isBaseUrl(baseUrl))) {
    fault('base_url', 'must be an http or https URL without credentials, query or fragment; the credential is "token"');
  }
  if (given(token) && typeof token !== 'string') fault('token', 'must be a text');
  if (given(user) && typeof user !== 'string') fault('user', 'must be a text');
  if (given(models) && !(Array.isArray(models) && models.every((name) => typeof name === 'string'))) {
    fault('models', 'must be a list of names');
  }
  if (given(protocol) && protocolIn(protocol) === null) fault('protocol', 'must be "openai" or "anthropic"');
  if (given(prices)) {
    if (!isJsonObject(prices)) fault('price_overrides', 'must be an object of prices by model');
    else for (const [model, price] of Object.entries(prices)) checkPrice(`price_overrides.${model}`, price, fault);
  }
  refuse('configuration_invalid', faults);
}

function checkPrice(path: string, price: Json, fault: (path: string, message: string) => void): void {
  if (!isJsonObject(price)) return fault(path, 'must be an object of USD per million tokens by class');
  for (const [tokenClass, usd] of Object.entries(price)) {
    if (amountOf(usd) === null) fault(`${path}.${tokenClass}`, 'must be an amount of USD such as "0.15"');
  }
}

/** What is used of a provider that was stored; what another version stored in another form is as if it were not there. */
export function providerFields(value: JsonObject): ProviderFields {
  const { base_url: baseUrl, token, api_key: apiKey, user, models, price_overrides: prices, protocol } = value;
  return {
    protocol: protocolIn(protocol),
    baseUrl: typeof baseUrl === 'string' && isBaseUrl(baseUrl) ? baseUrl : null,
    credential: textOf(token) ?? textOf(apiKey),
    user: textOf(user),
    models: Array.isArray(models) ? (models as Json[]).filter((name) => typeof name === 'string') : [],
    prices: isJsonObject(prices)
      ? Object.fromEntries(Object.entries(prices).map(([model, price]) => [model, amountsOf(price)]))
      : {},
  };
}

function amountsOf(price: Json): Record<string, string> {
  if (!isJsonObject(price)) return {};
  return Object.fromEntries(
    Object.entries(price).flatMap(([tokenClass, usd]) => {
      const amount = amountOf(usd);
      return amount === null ? [] : [[tokenClass, amount] as const];
    }),
  );
}

function amountOf(usd: Json): string | null {
  const text = typeof usd === 'number' ? String(usd) : usd;
  return typeof text === 'string' && DECIMAL.test(text) ? text : null;
}

function protocolIn(value: Json | undefined): ProviderProtocol | null {
  return value === 'openai' || value === 'anthropic' ? value : null;
}

function given(value: Json | undefined): value is Json {
  return value !== undefined && value !== null;
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '' && text.trim() === text;
}
