/**
 * The servers that are configured, at hand in every process without asking anybody.
 *
 * 1. What was committed is in force in every process at most `EVERY_MS` and one query later; in the process that was asked to
 *    `refresh`, when that returns.
 * 2. A tenant sees its own servers, and those of the tenant `default`. Its own come first.
 * 3. While the database is away, what was last known stays in force.
 */
import { DEFAULT_TENANT } from '@promptsales/cache-core';
import { ChangeWatch, type Database } from '@promptsales/database';
import type { McpServer } from './mcp-server.js';
import { clockOf, readAll, type ServerClock, type ServerRow, type ServerTables } from './server-rows.js';
import type { ServerSecrets } from './server-secrets.js';
import { serverOf } from './stored-server.js';

const EVERY_MS = 500;

export interface ServerDirectoryParts {
  readonly database: Database;
  readonly secrets: ServerSecrets;
  /** Told why changes could not be looked for. */
  readonly watchFailed: (error: unknown) => void;
  /** The secrets of a server cannot be decrypted: it is not served. */
  readonly unreadable: (name: string) => void;
}

export class McpServerDirectory {
  readonly #parts: ServerDirectoryParts;
  readonly #watch: ChangeWatch;
  #clock: ServerClock | null = null;
  #servers: ReadonlyMap<string, McpServer> = new Map();

  constructor(parts: ServerDirectoryParts) {
    this.#parts = parts;
    this.#watch = new ChangeWatch({ look: () => this.#catchUp(), everyMs: EVERY_MS, failed: parts.watchFailed });
  }

  /** Throws when the database still does not answer after some attempts. */
  async start(): Promise<this> {
    await this.#watch.start();
    return this;
  }

  stop(): void {
    this.#watch.stop();
  }

  /** The server of this name that serves the tenant. */
  find(tenant: string, name: string): McpServer | null {
    return this.#servers.get(keyOf(tenant, name)) ?? this.#servers.get(keyOf(DEFAULT_TENANT, name)) ?? null;
  }

  get all(): Iterable<McpServer> {
    return this.#servers.values();
  }

  /** A look that begins after this call: what was committed before is then in force here. Never rejects. */
  refresh(): Promise<void> {
    return this.#watch.refresh();
  }

  async #catchUp(): Promise<void> {
    const db = this.#parts.database.control<ServerTables>();
    const now = await clockOf(db);
    if (now.revision === this.#clock?.revision && now.epoch === this.#clock.epoch) return;
    const { clock, rows } = await readAll(db);
    this.#servers = new Map(rows.flatMap((row) => this.#known(row)));
    this.#clock = clock;
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
