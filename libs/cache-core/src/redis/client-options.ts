import type { RedisOptions } from 'ioredis';

export interface ClientSettings {
  /** For logs and metrics, and for Redis's own list of clients. */
  readonly name: string;
  /** Where and how to connect: host, port, path, TLS, credentials. Never logged. */
  readonly connection: RedisOptions;
  readonly connectTimeoutMs: number;
}

/** A client of ioredis that does what it is told and nothing by itself. */
export function clientOptions({ name, connection, connectTimeoutMs }: ClientSettings): RedisOptions {
  return {
    ...connection,
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    // A connection is used once: no queue while offline, no resending, no reconnecting in place.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    // Readiness is decided by the link, with a deadline; ioredis's own check has none.
    enableReadyCheck: false,
    // What is given up is destroyed: a frozen peer would not answer a polite end.
    disconnectTimeout: 0,
    disableClientInfo: true,
    enableAutoPipelining: true,
    connectionName: `promptsales:${name}`,
  };
}
