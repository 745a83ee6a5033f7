import { DEFAULT_TENANT } from '@promptsales/cache-core';
import { FollowedTable, type Database } from '@promptsales/database';
import type { McpServer } from './mcp-server.js';
import type { ServerRow } from './server-rows.js';
import type { ServerSecrets } from './server-secrets.js';
import { serverOf } from './stored-server.js';

export interface ServerDirectoryParts {
  readonly database: Database;
  readonly secrets: ServerSecrets;
  /** Told why changes could not be looked for. */
  readonly watchFailed: (error: unknown) => void;
  /** The secrets of a server cannot be decrypted: it is not served. */
  readonly unreadable: (name: string) => void;
  /** Told of all that there are when any of them has changed. */
  readonly changed?: (servers: Iterable<McpServer>) => void;
}

/** The servers that are configured, at hand in every process without asking anybody. */
export class McpServerDirectory extends FollowedTable<ServerRow> {
  readonly #parts: ServerDirectoryParts;
  #servers: ReadonlyMap<string, McpServer> = new Map();

  constructor(parts: ServerDirectoryParts) {
    const { database, watchFailed: failed } = parts;
    super({ database, clock: { name: 'mcp_server', table: 'mcp_servers' }, failed });
    this.#parts = parts;
  }

  /** The server of this name that serves the tenant: its own, or else that of the tenant `default`. */
  find(tenant: string, name: string): McpServer | null {
    return this.#servers.get(keyOf(tenant, name)) ?? this.#servers.get(keyOf(DEFAULT_TENANT, name)) ?? null;
  }

  get all(): Iterable<McpServer> {
    return this.#servers.values();
  }

  protected take(rows: readonly ServerRow[]): void {
    this.#servers = new Map(rows.flatMap((row) => this.#known(row)));
    this.#parts.changed?.(this.all);
  }

  #known({ tenant, name, settings, secrets }: ServerRow): readonly (readonly [string, McpServer])[] {
    try {
      const opened = this.#parts.secrets.open(secrets, tenant, name);
      return [[keyOf(tenant, name), serverOf({ tenant, name, settings, secrets: opened })]];
    } catch {
      // Its secrets are of a key that is no longer on the ring; whoever asks for it is told that it is not there.
      this.#parts.unreadable(name);
      return [];
    }
  }
}

function keyOf(tenant: string, name: string): string {
  return JSON.stringify([tenant, name]);
}
