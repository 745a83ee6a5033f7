/** `GET /v1/savings/export`: every line of a span, streamed, each with what it takes to compute it again. */
import { stringify } from 'csv-stringify/sync';
import type { Kysely } from 'kysely';
import { EXPORTED_NAMES, type ExportedLine, exportedLine, type StoredLine } from './ledger-line.js';
import type { LedgerTables } from './ledger-tables.js';
import { callsIn, hitsIn, PricesOfLines } from './lines-query.js';
import type { SavingsSpan } from './savings-query.js';

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

const PAGE = 2_000;

/** Calls, then hits, each in the order of time; text, a page at a time. */
export async function* exportedLines(
  db: Kysely<LedgerTables>,
  span: SavingsSpan,
  format: ExportFormat,
): AsyncGenerator<string> {
  const write = format === 'csv' ? csvOf : ndjsonOf;
  const prices = new PricesOfLines(db);
  if (format === 'csv') yield stringify([EXPORTED_NAMES]);
  for (const pages of [callsIn(db, span, PAGE), hitsIn(db, span, PAGE)]) {
    for await (const page of pages) {
      await prices.load(page);
      if (page.length > 0) yield write(page.map((line: StoredLine) => exportedLine(line, prices.of(line))));
    }
  }
}

function ndjsonOf(lines: readonly ExportedLine[]): string {
  return lines.map((line) => `${JSON.stringify(ordered(line))}\n`).join('');
}

/** What a spreadsheet would take for a formula has an apostrophe before it: names are the callers', and not to be run. */
function csvOf(lines: readonly ExportedLine[]): string {
  const rows = lines.map((line) => EXPORTED_NAMES.map((name) => cellOf(line[name] ?? null)));
  return stringify(rows, { escape_formulas: true, cast: { boolean: String } });
}

function cellOf(value: ExportedLine[string]): string | number | boolean | null {
  return typeof value === 'object' && value !== null ? value.map((one) => one ?? '-').join(' ') : value;
}

function ordered(line: ExportedLine): Record<string, unknown> {
  return Object.fromEntries(EXPORTED_NAMES.map((name) => [name, line[name] ?? null]));
}
