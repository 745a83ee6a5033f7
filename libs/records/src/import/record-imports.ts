/**
 * Imports of records from a stream, in batches.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. A batch, and how far the import has come with it, are one transaction: after whatever ended it, an import goes on
 *    behind its last batch when the same file is sent again under the same id, and no row is made twice.
 * 2. What is sent again is compared with what was settled before, by a digest over the rows: another file is refused.
 * 3. Only who has taken an import up last can commit something of it.
 * 4. A row that cannot be one costs itself, and is told with its line. A batch holds no more than its rows: memory does not
 *    grow with the file.
 * 5. While PostgreSQL is away an import waits, for a minute at most, and then goes on: a batch whose commit nobody has confirmed
 *    is looked up before it is made again.
 * 6. The end of an import outdates what is cached of its kind, once; nothing before it has to, since an import makes records
 *    and changes none.
 */
import { ConflictException, HttpException, Inject, Injectable, UnprocessableEntityException } from '@nestjs/common';
import { keyspace } from '@promptsales/cache-core';
import { Database, DatabaseUnavailableError } from '@promptsales/database';
import type { Kysely } from 'kysely';
import { createHash, type Hash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { noSuchImport } from '../record/record-errors.js';
import { OPORTUNIDADES, type RecordKind } from '../record/record-kind.js';
import { RECORDS_OPTIONS, type RecordsOptions } from '../records-options.js';
import { insertRows, type RecordTables } from '../store/record-store.js';
import { ImportBatch } from './import-batch.js';
import type { ImportRow, RowReader } from './import-row.js';
import { advanceImport, endImport, findImport, takeImport, type ImportState } from './import-table.js';

const BATCH_ROWS = 1000;
/** Where rows are long, so that a statement stays short. */
const BATCH_BYTES = 512 * 1024;
/** How long PostgreSQL may be away in the middle of an import. */
const OUTAGE_MS = 60_000;
const LOOK_EVERY_MS = 500;
/** Nobody reads it; it stands in logs (nginx's convention). */
const CUT_OFF = 499;

export interface ImportOf {
  readonly kind: RecordKind;
  readonly tenant: string;
  /** The caller's name for it, by which it can be followed and taken up again. */
  readonly id: string;
}

@Injectable()
export class RecordImports {
  readonly #database: Database;
  readonly #options: RecordsOptions;

  constructor(@Inject(Database) database: Database, @Inject(RECORDS_OPTIONS) options: RecordsOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** @throws NotFoundException */
  async find({ kind, tenant, id }: ImportOf): Promise<ImportState> {
    const state = await findImport(this.#db, kind, tenant, id);
    if (state === undefined) throw noSuchImport();
    return state;
  }

  /**
   * Imports what the source gives, as fast as the database takes it.
   * @throws ConflictException when somebody else has taken the import up meanwhile
   * @throws UnprocessableEntityException when the file is not the one that was begun with
   * @throws CsvHeaderError, and what the source and the database throw; what was settled until then stays
   */
  async run(what: ImportOf, source: AsyncIterable<Buffer>, reader: RowReader): Promise<ImportState> {
    const { kind, tenant, id } = what;
    const chunks = rowsOf(source, reader);
    // The columns are read before anything is written down: what names none is no import.
    const first = await chunks.next();
    const taken = await takeImport(this.#db, kind, tenant, id);
    const settled = Number(taken.rows);
    const digest = createHash('sha256');
    let seen = 0;
    let batch = new ImportBatch(kind);
    let settling = Promise.resolve(taken);
    // The next batch is read while one is being made, and no further.
    const settle = async (): Promise<void> => {
      const before = await settling;
      settling = this.#commit(what, before, batch, digest.copy().digest());
      settling.catch(toldWhereAwaited);
      batch = new ImportBatch(kind);
    };
    for await (const rows of startingWith(first, chunks)) {
      for (const row of rows) {
        if (taken.state === 'done' && seen >= settled) throw anotherFile();
        if (seen === 0) digest.update(reader.preface);
        take(digest, row);
        seen += 1;
        if (seen === settled) assertSame(digest, taken);
        if (seen <= settled) continue;
        batch.add(row);
        if (batch.size >= BATCH_ROWS || batch.bytes >= BATCH_BYTES) await settle();
      }
    }
    if (seen < settled) throw anotherFile();
    if (batch.size > 0) await settle();
    const state = await settling;
    return state.state === 'done' ? state : this.#end(what, state);
  }

  get #db(): Kysely<RecordTables> {
    return this.#database.as<RecordTables>();
  }

  async #commit(what: ImportOf, before: ImportState, batch: ImportBatch, digest: Buffer): Promise<ImportState> {
    const { kind, tenant, id } = what;
    return enduring(async (attempt) => {
      // Whether the attempt before was committed may be unknown to all but PostgreSQL.
      const now = attempt === 1 ? before : await findImport(this.#db, kind, tenant, id);
      if (now?.epoch !== before.epoch) throw takenOver();
      if (Number(now.rows) === Number(before.rows) + batch.size) return now;
      if (now.rows !== before.rows) throw forgotten();
      return this.#db.transaction().execute(async (transaction) => {
        const made = await insertRows(transaction, kind, tenant, batch.rows);
        const rejected = batch.rejections(made);
        const progress = { rows: batch.size, imported: made.size, rejected, digest };
        const after = await advanceImport(transaction, kind, tenant, before, progress);
        // Thrown inside, so that the rows go with it.
        if (after === undefined) throw new NotAsItWasError();
        return after;
      });
    });
  }

  #end({ kind, tenant }: ImportOf, state: ImportState): Promise<ImportState> {
    const ending = (): Promise<ImportState> =>
      this.#options.outbox.committing<RecordTables, ImportState>(async (transaction, outdate) => {
        const ended = await endImport(transaction, kind, tenant, state);
        if (ended === undefined) throw takenOver();
        const families = kind === OPORTUNIDADES ? [keyspace.oportunidad, keyspace.lead] : [keyspace.lead];
        if (Number(ended.imported) > 0) await outdate({ families: families.map((family) => ({ family, tenant })) });
        return ended;
      });
    return enduring(ending);
  }
}

/** Somebody has taken the import up, or an attempt that was given up was committed after all. */
class NotAsItWasError extends Error {}

/** Goes on when PostgreSQL is back: an import that takes minutes meets what a request does not. */
async function enduring<T>(work: (attempt: number) => Promise<T>): Promise<T> {
  const until = performance.now() + OUTAGE_MS;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      const again = error instanceof DatabaseUnavailableError || error instanceof NotAsItWasError;
      if (!again || performance.now() > until) throw error instanceof NotAsItWasError ? takenOver() : error;
    }
    await setTimeout(LOOK_EVERY_MS);
  }
}

/** By chunk, since a step of an asynchronous generator for each row would cost more than the row. */
async function* rowsOf(source: AsyncIterable<Buffer>, reader: RowReader): AsyncGenerator<Iterable<ImportRow>, void> {
  for await (const chunk of arriving(source)) yield reader.push(chunk);
  yield reader.end();
}

async function* startingWith<T>(
  first: IteratorResult<T, void>,
  others: AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  try {
    if (first.done !== true) yield first.value;
    yield* others;
  } finally {
    await others.return();
  }
}

function toldWhereAwaited(): void {}

/** A client that leaves is no fault of ours: its import waits to be taken up. */
async function* arriving(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* source;
  } catch (error) {
    throw new HttpException('The file did not arrive whole. Send it again under the same Idempotency-Key.', CUT_OFF, {
      cause: error,
    });
  }
}

/** Lengths stand between rows, so that what is cut otherwise is another digest. */
function take(digest: Hash, { line, bytes }: ImportRow): void {
  digest.update(`${line}:${bytes.length}:`).update(bytes);
}

function assertSame(digest: Hash, state: ImportState): void {
  if (state.digest === null || !digest.copy().digest().equals(state.digest)) throw anotherFile();
}

function anotherFile(): UnprocessableEntityException {
  return new UnprocessableEntityException(
    'Another file was begun under this Idempotency-Key. Send that one again, or this one under another key.',
  );
}

function forgotten(): ConflictException {
  return new ConflictException(
    'PostgreSQL does not have what it had confirmed of this import. Send the file again under the same Idempotency-Key.',
  );
}

function takenOver(): ConflictException {
  return new ConflictException('This import was taken up by another request, which goes on with it.');
}
