import type { BreakerSettings } from '@promptsales/cache-core';
import type { FastifyRequest } from 'fastify';
import type { GithubAccount } from './clients/github-account.js';
import type { Refusal } from './http/proxy-routes.js';
import type { Outcome } from './proxy/cache-status.js';
import type { CallObserver } from './proxy/call-cache.js';
import type { Secrets } from './services/secrets.js';
import type { ServiceActor } from './services/services.js';
import type { ServiceLimits } from './upstream/service-limits.js';
import type { UpstreamResult } from './upstream/measured-upstream.js';
import type { UpstreamSettings } from './upstream/upstream-client.js';

export interface CallCacheOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly callerOf: (request: FastifyRequest) => { readonly tenant: string };
  readonly actorOf: (request: FastifyRequest) => ServiceActor;
  readonly secrets: Secrets;
  readonly upstream?: Partial<UpstreamSettings>;
  readonly breaker?: Partial<BreakerSettings>;
  readonly limits: ServiceLimits;
  /** A longer body is handed on and not kept. */
  readonly mostStoredBytes: number;
  /** Bytes that all answers which are just coming may hold together. */
  readonly mostRecordedBytes: number;
  /** What a tenant has stored of its GitHub account, where anything is. */
  readonly githubAccount?: (tenant: string) => GithubAccount | null;
  readonly observer?: CallCacheObserver;
}

/** What is absorbed is told here. */
export interface CallCacheObserver extends CallObserver {
  /** The database could not be asked for changed services; the last known ones stay in force. */
  watchFailed?(error: unknown): void;
  /** A credential of a service cannot be decrypted: the service is not called. */
  unreadable?(service: string): void;
  /** An answer broke off of which the caller had seen the beginning. */
  brokeOff?(error: unknown): void;
  /** An answer of the proxy, by its `x-cache`. */
  answered?(outcome: Outcome): void;
  /** A request to the proxy that got a problem of ours. */
  refused?(why: Refusal): void;
  /** A call that went to a service, for whichever route: until the header of its answer. */
  called?(result: UpstreamResult, seconds: number): void;
}

export const CALL_CACHE_OPTIONS = Symbol('call cache options');
