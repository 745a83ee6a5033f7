/**
 * What health needs to know of the things it reports on, as small ports: the application wires them, so that this library
 * knows neither a client library nor another feature.
 */

export interface RedisRole {
  readonly name: string;
  /** False for roles whose keys must not be lost to memory pressure. */
  readonly mayBeEvicted: boolean;
}

/** One connection of ours to a place (server and database) in Redis. Several may lie on one server. */
export interface RedisEndpoint {
  readonly roles: readonly RedisRole[];
  /** Whether requests are sent there at present. */
  readonly up: boolean;
  /** Why it is not up, without credentials. */
  readonly lastError: string | null;
  /** The reply of INFO; rejects within the given time whatever Redis does. */
  info(withinMs: number): Promise<string>;
}

export interface RedisServers {
  endpoints(): readonly RedisEndpoint[];
}

export interface DatabaseProbe {
  /** Rejects within the given time whatever the database does. */
  ping(withinMs: number): Promise<void>;
}

/** Where completions come from: a real provider, or the one that only plays one. */
export type UpstreamKind = 'simulated' | 'configured' | 'none';

export interface Condition {
  readonly status: 'up' | 'degraded' | 'down';
  /** Figures and words for an operator; no tenant, user or key. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Something else whose condition counts: a spool that fills, a job that fails. Answers from memory, never waits. */
export interface HealthContributor {
  readonly name: string;
  condition(): Condition;
}
