/**
 * Services as administrators change them: truth in PostgreSQL.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. A secret is encrypted before it leaves the process, and no answer holds one.
 * 2. A change and its line in the audit log are committed together, or neither is.
 * 3. A mask stands for a secret as long as that goes where it went: it is not to be had by sending it elsewhere.
 * 4. What a change makes another upstream of (its address, what is sent along) gets another space: nothing that was kept
 *    before answers for it.
 */
import { randomUUID } from 'node:crypto';
import { lockName, type Database } from '@promptsales/database';
import type { Kysely, Transaction } from 'kysely';
import { secretsKey, type SealedBody, type Secrets } from './secrets.js';
import { checkService, isServiceName, serviceIn } from './service-body.js';
import { ServiceError } from './service-error.js';
import { deleteRow, findRow, listRows, writeRow, type ServiceRow, type ServiceTables } from './service-rows.js';
import type { ServiceBody } from './service-schema.js';

export interface ServiceAct {
  readonly action: 'service.create' | 'service.replace' | 'service.delete';
  /** `service:crm` */
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Who changes services. */
export interface ServiceActor {
  /** Writes an act down in the transaction that carries it out. */
  note<Tables>(transaction: Transaction<Tables>, act: ServiceAct): Promise<void>;
}

export type ServiceAnswer = SealedBody;

const OF_ANOTHER_HOST =
  'is a mask, and what is stored belongs to another host than base_url now names: send the secret itself';
/** What the answers of a service depend on. */
const OF_THE_SPACE = ['base_url', 'headers', 'credentials', 'forward_authorization'] as const;

export class Services {
  readonly #database: Database;
  readonly #secrets: Secrets;

  constructor(database: Database, secrets: Secrets) {
    this.#database = database;
    this.#secrets = secrets;
  }

  /** @throws ServiceError `not_found` */
  async find(name: string): Promise<ServiceAnswer> {
    const row = isServiceName(name) ? await findRow(this.#db, name) : null;
    if (row === null) throw notThere(name);
    return this.answer(row);
  }

  /** By name. */
  list(after: string | null, limit: number): Promise<ServiceRow[]> {
    return listRows(this.#db, after, limit);
  }

  /** As it is shown: its secrets masked. */
  answer({ name, body, createdAt, updatedAt }: ServiceRow): ServiceAnswer {
    return { name, ...this.#secrets.shown(body, secretsKey(name)), created_at: createdAt, updated_at: updatedAt };
  }

  /**
   * Stores a service in place of what was there; masks in it stand for the secrets that are stored.
   * @throws ServiceError, and what the secrets have against it
   */
  async save(
    actor: ServiceActor,
    name: string,
    sent: unknown,
  ): Promise<{ readonly created: boolean; readonly service: ServiceAnswer }> {
    const given = serviceIn(sent, name) as SealedBody;
    const key = secretsKey(name);
    return this.#db.transaction().execute(async (transaction) => {
      await lockName(transaction, 'call service', name);
      const before = await findRow(transaction, name);
      const plain =
        before === null || sameHost(before.body, given)
          ? this.#secrets.restored(given, before?.body ?? null, key)
          : this.#secrets.restored(given, null, key, OF_ANOTHER_HOST);
      checkService(plain as unknown as ServiceBody);
      const was = before === null ? null : this.#secrets.revealed(before.body, key, () => undefined);
      const same =
        was !== null && OF_THE_SPACE.every((part) => JSON.stringify(was[part]) === JSON.stringify(plain[part]));
      const space = before !== null && same ? before.space : randomUUID();
      const row = await writeRow(transaction, { name, body: this.#secrets.sealed(plain, key), space });
      await actor.note(transaction, {
        action: before === null ? 'service.create' : 'service.replace',
        target: `service:${name}`,
        detail: { members: Object.keys(plain), base_url: plain['base_url'] },
      });
      return { created: before === null, service: this.answer(row) };
    });
  }

  /** @throws ServiceError `not_found` */
  async remove(actor: ServiceActor, name: string): Promise<void> {
    if (!isServiceName(name)) throw notThere(name);
    await this.#db.transaction().execute(async (transaction) => {
      await lockName(transaction, 'call service', name);
      const before = await findRow(transaction, name);
      if (before === null) throw notThere(name);
      await deleteRow(transaction, name);
      await actor.note(transaction, { action: 'service.delete', target: `service:${name}`, detail: {} });
    });
  }

  get #db(): Kysely<ServiceTables> {
    return this.#database.as<ServiceTables>();
  }
}

function sameHost(before: SealedBody, sent: SealedBody): boolean {
  const [was, is] = [before, sent].map(({ base_url: url }) =>
    typeof url === 'string' ? URL.parse(url)?.origin : null,
  );
  return was === is;
}

function notThere(name: string): ServiceError {
  return new ServiceError('not_found', `No service is called ${name.slice(0, 100)}.`);
}
