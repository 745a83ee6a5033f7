import { ForbiddenException } from '@nestjs/common';
import type { LedgerDatabase } from './postgres-ledger-store.js';
import { RECONCILER_DEFAULTS } from './ledger-reconciler.js';
import type { LedgerTables } from './ledger-tables.js';
import { type SavingsAnswer, SavingsEntry, SavingsTotal } from './savings-answer.js';
import { readLostAtMost, readSavings } from './savings-query.js';
import { totalOf } from './savings-report.js';
import { type SavingsRequest, spanOf } from './savings-request.js';

/** Who asks for a report. */
export interface LedgerReader {
  readonly tenant: string;
  readonly admin: boolean;
}

const DEFAULT_LIMIT = 1_000;

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
    const span = {
      ...spanOf(request, this.#now()),
      tenant: tenantFor(reader, request.tenant),
      simulated: request.simulated === undefined ? null : request.simulated === 'true',
    };
    await this.#flush();
    const db = this.#database.as<LedgerTables>();
    const [groups, lostAtMost] = await Promise.all([
      readSavings(db, span, group),
      readLostAtMost(db, span, RECONCILER_DEFAULTS.goneAfterMs),
    ]);
    const total = new SavingsTotal(totalOf(groups));
    const shown = groups.slice(0, request.limit ?? DEFAULT_LIMIT);
    return {
      from: span.from.toISOString(),
      to: span.to.toISOString(),
      group_by: group,
      groups: shown.map((sum) => new SavingsEntry(sum)),
      groups_left_out: groups.length - shown.length,
      total,
      simulated: total.simulated,
      lost_at_most: lostAtMost,
    };
  }
}

function tenantFor(reader: LedgerReader, asked: string | undefined): string | null {
  if (reader.admin) return asked ?? null;
  if (asked !== undefined && asked !== reader.tenant) {
    throw new ForbiddenException('Only an administrator may read the savings of another tenant.');
  }
  return reader.tenant;
}
