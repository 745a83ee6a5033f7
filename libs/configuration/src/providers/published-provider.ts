import { keyspace, type KeyRef, type ValueOf } from '@promptsales/cache-core';
import type { Json } from '../json.js';
import type { OpenedObject } from '../secrets/opened.js';
import { masked } from '../secrets/opened.js';

export function publishedRef(provider: string, tenant: string): KeyRef<typeof keyspace.configApi> {
  return keyspace.configApi.at({ provider_name: provider }, tenant);
}

/** What applications need to know to call a provider (`config:api:{provider}`): nothing that is secret. */
export function publishedProvider(opened: OpenedObject, updatedAt: string): ValueOf<typeof keyspace.configApi> {
  const { status, rate_limit: rateLimit, endpoints, base_url: baseUrl } = masked(opened);
  return {
    status: textOr(status, 'active'),
    // Empty: none is known.
    rate_limit: textOr(rateLimit, ''),
    endpoints: endpoints ?? (typeof baseUrl === 'string' ? { base_url: baseUrl } : {}),
    last_updated: updatedAt,
  };
}

function textOr(value: Json | undefined, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
