import { randomUUID } from 'node:crypto';
import { checkFields } from '../record/record-fields.js';
import { OPORTUNIDADES, type RecordKind } from '../record/record-kind.js';
import { newRow, type NewRow } from '../store/record-store.js';
import type { ImportRow } from './import-row.js';
import type { Rejection } from './import-table.js';

const LONGEST_REASON = 300;

interface Sound {
  readonly line: number;
  readonly row: NewRow;
  readonly idWasGiven: boolean;
}

/**
 * Rows that are made in one transaction. Each is checked and prepared when it is added, while the file arrives: to do so for
 * a thousand at once would hold up whoever else is served by this process.
 */
export class ImportBatch {
  readonly #kind: RecordKind;
  readonly #sound: Sound[] = [];
  readonly #rejected: Rejection[] = [];
  readonly #lines = new Map<string, number>();
  /** Rows, sound or not. */
  size = 0;
  /** As they were sent. */
  bytes = 0;

  constructor(kind: RecordKind) {
    this.#kind = kind;
  }

  /** What can become a record. */
  get rows(): readonly NewRow[] {
    return this.#sound.map(({ row }) => row);
  }

  add({ line, lastLine, bytes, content }: ImportRow): void {
    this.size += 1;
    this.bytes += bytes.length;
    // A quote too many can make one record of many lines: who looks for the others is told where they are.
    const extent = lastLine === line ? '' : `lines ${line} to ${lastLine}: `;
    if (content.fields === null) {
      this.#reject(line, extent + content.reason);
      return;
    }
    const { fields, faults } = checkFields(this.#kind, content.fields);
    if (faults !== null) {
      const reasons = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
      this.#reject(line, extent + reasons.join('; '));
      return;
    }
    const id = fields.id ?? randomUUID();
    const before = this.#lines.get(id);
    if (before !== undefined) {
      this.#reject(line, `id: the same as that of line ${before}`);
      return;
    }
    this.#lines.set(id, line);
    this.#sound.push({ line, row: newRow(this.#kind, id, fields), idWasGiven: fields.id !== null });
  }

  /** By line: what could not become a record, and what did not. */
  rejections(made: ReadonlySet<string>): readonly Rejection[] {
    const notMade = this.#sound.filter(({ row }) => !made.has(row.id));
    return [
      ...this.#rejected,
      ...notMade.map(({ line, idWasGiven }) => ({ line, reason: this.#whyNotMade(idWasGiven) })),
    ].toSorted((one, other) => one.line - other.line);
  }

  /** Its id is taken, unless it lacks its lead. */
  #whyNotMade(idWasGiven: boolean): string {
    if (!idWasGiven) return 'lead_id: there is no lead of this id';
    if (this.#kind === OPORTUNIDADES) return 'there is a record of this id already, or no lead of this lead_id';
    return 'id: there is a record of this id already';
  }

  #reject(line: number, reason: string): void {
    this.#rejected.push({ line, reason: reason.slice(0, LONGEST_REASON) });
  }
}
