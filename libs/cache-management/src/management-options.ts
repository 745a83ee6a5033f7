import type { FastifyRequest } from 'fastify';

/** Who asks, as far as the management of the cache is concerned. */
export interface ManagementCaller {
  readonly tenant: string;
  /** May act on what belongs to all tenants. */
  readonly admin: boolean;
  /** What he may use; complete, so that `admin` needs no case of its own. */
  readonly scopes: ReadonlySet<string>;
}

/** What an administrator will want to know of later. */
export interface ManagementAct {
  /** `cache.invalidate`, `cache_operation.cancel` */
  readonly action: string;
  /** `family:app.value`, `cache_operation:ID` */
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface CacheManagementOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly callerOf: (request: FastifyRequest) => ManagementCaller;
  /** The JSON text of the request's body as it was sent; null where there is none. */
  readonly bodyTextOf: (request: FastifyRequest) => string | null;
  /**
   * Writes an act down. The act does not wait for it, nor for the database: invalidations must succeed when that is away,
   * and the application counts what could not be written.
   */
  readonly audit: (request: FastifyRequest, act: ManagementAct) => void;
}

export const CACHE_MANAGEMENT_OPTIONS = Symbol('cache management options');
