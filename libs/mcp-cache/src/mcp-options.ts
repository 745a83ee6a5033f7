import type { FastifyRequest } from 'fastify';
import type { McpObserver } from './gateway/observer.js';
import type { ClientPermissions } from './gateway/permissions.js';
import type { McpRoutesParts } from './http/mcp-routes.js';
import type { McpServerActor } from './servers/servers.js';
import type { UpstreamBounds } from './upstream/upstreams.js';

export interface McpOptions {
  /** Commands that a server may be started with. */
  readonly stdioAllow: readonly string[];
  readonly bodyLimitBytes: number;
  readonly upstream?: Partial<Pick<UpstreamBounds, 'timeoutMs' | 'mostSessions' | 'idleMs'>>;
  /** Called for requests that have passed the application's access rules, as are those below. */
  readonly callerOf: McpRoutesParts['callerOf'];
  readonly actorOf: (request: FastifyRequest) => McpServerActor;
  /** Null: nothing is said of this client, and it may call everything. */
  readonly permissionsOf: (client: string, tenant: string) => Promise<ClientPermissions | null>;
  /** What is told for metrics. */
  readonly observer?: McpObserver;
  /** Aborted when the process drains. */
  readonly ending: AbortSignal;
  /** Told why changed servers could not be looked for; the last known ones stay in force. */
  readonly watchFailed: (error: unknown) => void;
  /** The secrets of a stored server cannot be decrypted: it is not served. */
  readonly unreadable: (server: string) => void;
  /** What is absorbed, and failures of servers. */
  readonly failed: (error: unknown) => void;
}

export const MCP_OPTIONS = Symbol('McpOptions');
