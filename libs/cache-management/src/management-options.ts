import type { FastifyRequest } from 'fastify';

/** Who asks, as far as the management of the cache is concerned. */
export interface ManagementCaller {
  readonly tenant: string;
}

export interface CacheManagementOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly callerOf: (request: FastifyRequest) => ManagementCaller;
}

export const CACHE_MANAGEMENT_OPTIONS = Symbol('cache management options');
