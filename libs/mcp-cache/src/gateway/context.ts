import { canonicalJson } from '@promptsales/cache-core';
import { hash } from 'node:crypto';
import type { Scopes } from '../caching/scopes.js';
import type { McpServer } from '../servers/mcp-server.js';
import type { Session } from '../session/session-seal.js';
import type { McpRequest } from './exchange.js';

/** A request with everything that is known of it. */
export interface Context {
  readonly request: McpRequest;
  readonly server: McpServer;
  readonly session: Session | null;
  /** The client's name of it. */
  readonly token: string | undefined;
  readonly scopes: Scopes;
}

/** Of what a client can do: the same whatever the order in which it says so. */
export function hashOf(value: unknown): string {
  return hash('sha256', canonicalJson(JSON.stringify(value ?? {})).text, 'hex');
}
