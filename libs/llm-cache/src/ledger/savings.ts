import { ForbiddenException, NotFoundException } from '@nestjs/common';
import type { LedgerReader } from './ledger-reader.js';
import type { LedgerDatabase } from './postgres-ledger-store.js';
import { RECONCILER_DEFAULTS } from './ledger-reconciler.js';
import type { LedgerTables } from './ledger-tables.js';
import { type SavingsAnswer, SavingsEntry, SavingsTotal } from './savings-answer.js';
import { type ExportFormat, exportedLines } from './savings-export.js';
import { readLostAtMost, readSavings, type SavingsSpan } from './savings-query.js';
import { readReceipt, type SavingsReceipt } from './savings-receipt.js';
import { type ReceiptRequest, type SavingsRequest, spanOf, type SpanRequest } from './savings-request.js';

/** Reports over the ledger. A reader sees the own tenant only; an administrator sees any, or all. */
export class Savings {
  readonly #database: LedgerDatabase;
  readonly #flush: () => Promise<void>;
  readonly #now: () => Date;

  /** `flush` writes what this process still holds, so that a reader sees what the same process has just done. */
  constructor(database: LedgerDatabase, flush: () => Promise<void>, now: () => Date = () => new Date()) {
    this.#database = database;
    this.#flush = flush;
    this.#now = now;
  }

  async report(request: SavingsRequest, reader: LedgerReader): Promise<SavingsAnswer> {
    const group = request.group_by ?? 'model';
    const span = this.#spanFor(request, reader);
    await this.#flush();
    const db = this.#database.as<LedgerTables>();
    const [sums, lostAtMost] = await Promise.all([
      readSavings(db, span, group, request.limit),
      readLostAtMost(db, span, RECONCILER_DEFAULTS.goneAfterMs),
    ]);
    const total = new SavingsTotal(sums.total);
    return {
      from: span.from.toISOString(),
      to: span.to.toISOString(),
      group_by: group,
      groups: sums.groups.map((sum) => new SavingsEntry(sum)),
      groups_left_out: sums.groupsLeftOut,
      total,
      simulated: total.simulated,
      lost_at_most: lostAtMost,
    };
  }

  /** Every line of the span as text, a page at a time. */
  async export(request: SpanRequest, format: ExportFormat, reader: LedgerReader): Promise<AsyncGenerator<string>> {
    const span = this.#spanFor(request, reader);
    await this.#flush();
    return exportedLines(this.#database.as<LedgerTables>(), span, format);
  }

  /** @throws {NotFoundException} where the reader has nothing of this id */
  async receipt(id: string, when: ReceiptRequest, reader: LedgerReader): Promise<SavingsReceipt> {
    const now = this.#now();
    const told = when.from !== undefined || when.to !== undefined;
    const span = told ? spanOf(when, now) : null;
    await this.#flush();
    const tenant = reader.admin ? null : reader.tenant;
    const receipt = isStorable(id) ? await readReceipt(this.#database.as<LedgerTables>(), id, tenant, now, span) : null;
    if (receipt === null) throw new NotFoundException('The ledger has no request and no answer of this id.');
    return receipt;
  }

  #spanFor(request: SpanRequest, reader: LedgerReader): SavingsSpan {
    return {
      ...spanOf(request, this.#now()),
      tenant: tenantFor(reader, request.tenant),
      simulated: request.simulated === undefined ? null : request.simulated === 'true',
    };
  }
}

/** PostgreSQL has no NUL in texts: nothing has such a name. */
function isStorable(name: string): boolean {
  return !name.includes('\0');
}

function tenantFor(reader: LedgerReader, asked: string | undefined): string | null {
  if (asked !== undefined && !isStorable(asked)) throw new NotFoundException('There is no such tenant.');
  if (reader.admin) return asked ?? null;
  if (asked !== undefined && asked !== reader.tenant) {
    throw new ForbiddenException('Only an administrator may read the savings of another tenant.');
  }
  return reader.tenant;
}
