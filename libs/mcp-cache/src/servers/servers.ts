/**
 * Servers as administrators configure them: truth in PostgreSQL. A change and its line in the audit log are committed
 * together, or neither is.
 */
import { lockName, type Database } from '@promptsales/database';
import type { Kysely, Transaction } from 'kysely';
import { isServerName, serverBody, type SentServer } from './server-body.js';
import { McpServerError, notThere, type McpServerFault } from './server-error.js';
import {
  deleteRow,
  findRow,
  findServing,
  listServing,
  writeRow,
  type ServerRow,
  type ServerTables,
} from './server-rows.js';
import { unmasked, type Secrets, type ServerSecrets } from './server-secrets.js';
import type { SeenServer, ServerSettings, StoredServer } from './stored-server.js';

export interface McpServerAct {
  readonly action: 'mcp_server.create' | 'mcp_server.replace' | 'mcp_server.delete';
  /** `mcp_server:crm` */
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Who changes servers. */
export interface McpServerActor {
  readonly tenant: string;
  /** Writes an act down in the transaction that carries it out. */
  note<Tables>(transaction: Transaction<Tables>, act: McpServerAct): Promise<void>;
}

export class McpServers {
  readonly #database: Database;
  readonly #secrets: ServerSecrets;

  constructor(database: Database, secrets: ServerSecrets) {
    this.#database = database;
    this.#secrets = secrets;
  }

  /**
   * The one of this name that serves the tenant.
   * @throws McpServerError `not_found`
   */
  async find(tenant: string, name: string): Promise<SeenServer> {
    const row = isServerName(name) ? await findServing(this.#db, tenant, name) : undefined;
    if (row === undefined) throw notThere(name);
    return this.#seen(row, tenant);
  }

  /** Those that serve the tenant, by name. */
  async list(tenant: string, after: string | null, limit: number): Promise<SeenServer[]> {
    return (await listServing(this.#db, tenant, after, limit)).map((row) => this.#seen(row, tenant));
  }

  /**
   * Stores a server in place of what was there.
   * @throws McpServerError `secret_mask`
   */
  save(
    actor: McpServerActor,
    name: string,
    { settings, secrets }: SentServer,
  ): Promise<{ readonly created: boolean; readonly server: StoredServer }> {
    const { tenant } = actor;
    return this.#db.transaction().execute(async (transaction) => {
      await lockName(transaction, 'mcp server', tenant, name);
      const row = await findRow(transaction, tenant, name);
      const before = row === undefined ? null : this.#opened(row);
      const whole = restored(secrets, settings, before);
      const written = { tenant, name, settings, secrets: this.#secrets.seal(whole, tenant, name) };
      const after = this.#opened(await writeRow(transaction, written));
      await actor.note(transaction, {
        action: before === null ? 'mcp_server.create' : 'mcp_server.replace',
        target: `mcp_server:${name}`,
        detail: { before: before === null ? null : serverBody(before), after: serverBody(after) },
      });
      return { created: before === null, server: after };
    });
  }

  /** @throws McpServerError `not_found` */
  async remove(actor: McpServerActor, name: string): Promise<void> {
    const { tenant } = actor;
    if (!isServerName(name)) throw notThere(name);
    await this.#db.transaction().execute(async (transaction) => {
      await lockName(transaction, 'mcp server', tenant, name);
      const row = await findRow(transaction, tenant, name);
      if (row === undefined) throw notThere(name);
      await deleteRow(transaction, tenant, name);
      const detail = { before: serverBody(row) };
      await actor.note(transaction, { action: 'mcp_server.delete', target: `mcp_server:${name}`, detail });
    });
  }

  #opened(row: ServerRow): StoredServer {
    return { ...withoutSecrets(row), secrets: this.#secrets.open(row.secrets, row.tenant, row.name) };
  }

  #seen(row: ServerRow, tenant: string): SeenServer {
    return row.tenant === tenant ? this.#opened(row) : { ...withoutSecrets(row), secrets: null };
  }

  get #db(): Kysely<ServerTables> {
    return this.#database.as<ServerTables>();
  }
}

function withoutSecrets({ tenant, name, settings, created_at, updated_at }: ServerRow): Omit<StoredServer, 'secrets'> {
  return { tenant, name, settings, createdAt: created_at.toISOString(), updatedAt: updated_at.toISOString() };
}

/** A mask stands for the secret of this server, as long as that goes where it went: it is not to be had by sending it elsewhere. */
function restored(secrets: Secrets, settings: ServerSettings, before: StoredServer | null): Secrets {
  const member = settings.url === undefined ? 'env' : 'headers';
  const known = before !== null && destinationOf(before.settings) === destinationOf(settings) ? before.secrets : {};
  const faults: McpServerFault[] = [];
  const whole = unmasked(secrets, known, (name) => {
    faults.push({ path: `${member}.${name}`, message: 'is a mask that stands for no secret of this destination' });
  });
  if (faults.length === 0) return whole;
  throw new McpServerError('secret_mask', 'Send the secrets themselves: see "errors".', faults);
}

function destinationOf({ url, command, args }: ServerSettings): string {
  return url === undefined ? JSON.stringify([command, args]) : new URL(url).origin;
}
