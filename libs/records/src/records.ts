/**
 * Leads and opportunities. The truth is in PostgreSQL; what is cached of it is outdated in the transaction that changes it.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. A change and the invalidation of what is cached of it are committed together, and carried out before the change is
 *    acknowledged. A reader who comes afterwards reads the change or a later one, from whichever process.
 * 2. Whatever changes an opportunity outdates its lead, and when it moves from one lead to another, both.
 * 3. A change is made to the row as it is while nobody else can change it, so that `If-Match` and the merge of fields see the
 *    same state.
 * 4. A tenant is part of every key and of every statement: another tenant's record is one that there is not.
 */
import { Inject, Injectable } from '@nestjs/common';
import { keyspace, type KeyRef } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import type { Page } from '@promptsales/http-edge';
import type { Kysely } from 'kysely';
import { randomUUID } from 'node:crypto';
import { readList, type ListRequest } from './list/record-list.js';
import { recordOf, type BusinessRecord } from './record/business-record.js';
import { entityTag, matchesStrongly, type Precondition } from './record/entity-tag.js';
import { mergePatch } from './record/merge-patch.js';
import { changedMeanwhile, idTaken, invalid, noSuchLead, notFound } from './record/record-errors.js';
import { changeFaults, checkFields, type RecordFields } from './record/record-fields.js';
import { LEADS, OPORTUNIDADES, type RecordKind } from './record/record-kind.js';
import { RECORDS_OPTIONS, type OutdatedRecords, type RecordsOptions } from './records-options.js';
import {
  deleteRow,
  findRow,
  holdLead,
  insertRows,
  lockRow,
  newRow,
  oportunidadesOf,
  updateRow,
  type RecordTables,
} from './store/record-store.js';

/** A lead with more opportunities than this takes the cached ones of all leads along. */
const MOST_NAMED = 500;

@Injectable()
export class Records {
  readonly #database: Database;
  readonly #options: RecordsOptions;

  constructor(@Inject(Database) database: Database, @Inject(RECORDS_OPTIONS) options: RecordsOptions) {
    this.#database = database;
    this.#options = options;
  }

  /**
   * From PostgreSQL; readers come through the cache.
   * @throws NotFoundException
   */
  async load(kind: RecordKind, tenant: string, id: string): Promise<BusinessRecord> {
    const row = await findRow(this.#db, kind, tenant, id);
    if (row === undefined) throw notFound(kind);
    return recordOf(kind, row);
  }

  /** @throws BadRequestException for a cursor of another list */
  list(kind: RecordKind, tenant: string, request: ListRequest): Promise<Page<BusinessRecord>> {
    return readList(this.#db, kind, tenant, request);
  }

  /** @throws BadRequestException, ConflictException (the id is taken), UnprocessableEntityException (no such lead) */
  async create(kind: RecordKind, tenant: string, given: Readonly<Record<string, unknown>>): Promise<BusinessRecord> {
    const fields = whole(kind, given);
    const id = fields.id ?? randomUUID();
    return this.#options.outbox.committing<RecordTables, BusinessRecord>(async (transaction, outdate) => {
      if (kind === OPORTUNIDADES && !(await holdLead(transaction, tenant, fields.known['lead_id'] ?? ''))) {
        throw noSuchLead();
      }
      const made = await insertRows(transaction, kind, tenant, [newRow(kind, id, fields)]);
      const row = made.has(id) ? await findRow(transaction, kind, tenant, id) : undefined;
      if (row === undefined) throw idTaken(kind);
      const record = recordOf(kind, row);
      await outdate({ keys: keysOf(kind, tenant, record) });
      return record;
    });
  }

  /**
   * Merges fields into a record (RFC 7396).
   * @throws NotFoundException, PreconditionFailedException, BadRequestException, UnprocessableEntityException
   */
  async change(
    kind: RecordKind,
    tenant: string,
    id: string,
    given: Readonly<Record<string, unknown>>,
    ifMatch?: Precondition,
  ): Promise<BusinessRecord> {
    const faults = changeFaults(given);
    if (faults.length > 0) throw invalid(faults);
    return this.#options.outbox.committing<RecordTables, BusinessRecord>(async (transaction, outdate) => {
      const before = await this.#locked(transaction, kind, tenant, id, ifMatch);
      const { id: _id, version: _version, created_at: _created, updated_at: _updated, ...present } = before;
      const fields = whole(kind, mergePatch(present, given));
      const leadId = fields.known['lead_id'];
      if (
        kind === OPORTUNIDADES &&
        leadId !== before['lead_id'] &&
        !(await holdLead(transaction, tenant, leadId ?? ''))
      ) {
        throw noSuchLead();
      }
      const after = recordOf(kind, await updateRow(transaction, kind, tenant, id, fields));
      await outdate({ keys: unique([...keysOf(kind, tenant, before), ...keysOf(kind, tenant, after)]) });
      return after;
    });
  }

  /**
   * A lead takes its opportunities along.
   * @throws NotFoundException, PreconditionFailedException
   */
  async remove(kind: RecordKind, tenant: string, id: string, ifMatch?: Precondition): Promise<void> {
    await this.#options.outbox.committing<RecordTables, void>(async (transaction, outdate) => {
      const record = await this.#locked(transaction, kind, tenant, id, ifMatch);
      await outdate({ keys: keysOf(kind, tenant, record) });
      if (kind === LEADS) await outdate(await this.#oportunidades(transaction, tenant, id));
      await deleteRow(transaction, kind, tenant, id);
    });
  }

  get #db(): Kysely<RecordTables> {
    return this.#database.as<RecordTables>();
  }

  async #locked(
    transaction: Parameters<typeof lockRow>[0],
    kind: RecordKind,
    tenant: string,
    id: string,
    ifMatch: Precondition | undefined,
  ): Promise<BusinessRecord> {
    const row = await lockRow(transaction, kind, tenant, id);
    if (row === undefined) throw notFound(kind);
    const record = recordOf(kind, row);
    if (ifMatch !== undefined && !matchesStrongly(ifMatch, entityTag(record))) throw changedMeanwhile(kind);
    return record;
  }

  /** No opportunity joins the lead any more: whoever makes one needs the lead to stay, and waits for us. */
  async #oportunidades(
    transaction: Parameters<typeof lockRow>[0],
    tenant: string,
    leadId: string,
  ): Promise<OutdatedRecords> {
    const ids = await oportunidadesOf(transaction, tenant, leadId, MOST_NAMED + 1);
    if (ids.length > MOST_NAMED) return { families: [{ family: keyspace.oportunidad, tenant }] };
    return { keys: ids.map((uuid) => keyspace.oportunidad.at({ uuid }, tenant)) };
  }
}

function whole(kind: RecordKind, given: Readonly<Record<string, unknown>>): RecordFields {
  const { fields, faults } = checkFields(kind, given);
  if (faults !== null) throw invalid(faults);
  return fields;
}

function keysOf(kind: RecordKind, tenant: string, record: BusinessRecord): KeyRef[] {
  const own = kind.family.at({ uuid: record.id }, tenant);
  const leadId = record['lead_id'];
  return typeof leadId === 'string' ? [own, keyspace.lead.at({ uuid: leadId }, tenant)] : [own];
}

function unique(keys: readonly KeyRef[]): KeyRef[] {
  return [...new Map(keys.map((ref) => [ref.key, ref])).values()];
}
