import { hash } from 'node:crypto';
import type { CachePermission, McpServer, Reached, Share, Trust } from './mcp-server.js';
import type { Secrets } from './server-secrets.js';

/** What is configured of a server, as it lies in PostgreSQL: everything but its secrets. */
export interface ServerSettings {
  readonly url?: string;
  /** Of a server with an address. @default false */
  readonly privateAddresses?: boolean;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly trust: Trust;
  readonly share: Share;
  readonly tools: Readonly<Record<string, CachePermission>>;
  readonly prompts: Readonly<Record<string, CachePermission>>;
  readonly ttlCapSeconds: number | null;
}

export interface StoredServer {
  readonly tenant: string;
  readonly name: string;
  readonly settings: ServerSettings;
  /** Of a server with an address its headers, of a process its environment. */
  readonly secrets: Secrets;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A server as those see it whom it serves: `secrets` is null of one that belongs to another tenant, whose they are. */
export type SeenServer = Omit<StoredServer, 'secrets'> & { readonly secrets: Secrets | null };

export function serverOf({
  tenant,
  name,
  settings,
  secrets,
}: Omit<StoredServer, 'createdAt' | 'updatedAt'>): McpServer {
  const {
    url,
    privateAddresses = false,
    command = '',
    args = [],
    trust,
    share,
    tools,
    prompts,
    ttlCapSeconds,
  } = settings;
  const reached: Reached =
    url === undefined
      ? { kind: 'stdio', command, args, env: secrets }
      : { kind: 'http', url, headers: secrets, privateAddresses };
  return {
    tenant,
    name,
    reached,
    trust,
    share,
    tools: new Map(Object.entries(tools)),
    prompts: new Map(Object.entries(prompts)),
    ttlCapSeconds,
    identity: hash('sha256', JSON.stringify(['mcp server', tenant, name, reached]), 'hex'),
  };
}
