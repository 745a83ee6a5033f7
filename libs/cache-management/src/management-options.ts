import type { KeyRef } from '@promptsales/cache-core';
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

/** A request as somebody would send it to the feature that keeps its answer. */
export interface RequestToKey {
  /** JSON. */
  readonly body: Buffer;
  /** The route to which it would be sent, where the one who asks says so. */
  readonly endpoint?: string;
  /** The request that asks for the key: its caller and its headers are those of the request to be keyed. */
  readonly asking: FastifyRequest;
}

/** @throws IdentityRefusedError for what the feature would refuse too */
export type KeyOfRequest = (request: RequestToKey) => KeyRef;

export interface CacheManagementOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly callerOf: (request: FastifyRequest) => ManagementCaller;
  /** The JSON text of the request's body as it was sent; null where there is none. */
  readonly bodyTextOf: (request: FastifyRequest) => string | null;
  /** By family id: how the feature that fills the family keys its requests. */
  readonly identities: ReadonlyMap<string, KeyOfRequest>;
  /**
   * Writes an act down. The act does not wait for it, nor for the database: invalidations must succeed when that is away,
   * and the application counts what could not be written.
   */
  readonly audit: (request: FastifyRequest, act: ManagementAct) => void;
}

export const CACHE_MANAGEMENT_OPTIONS = Symbol('cache management options');
