import type { RecordKind } from './record-kind.js';

/** A lead or an opportunity as callers see it, and as it lies in the cache. */
export type BusinessRecord = {
  id: string;
  /** Counts the changes of this record, from 1. */
  version: number;
  created_at: string;
  updated_at: string;
  [field: string]: unknown;
};

/** A row of either table, with the columns that both have. */
export interface RecordRow {
  readonly id: string;
  /** 64 bits, which the driver gives as text. */
  readonly version: string;
  /** The fields that have no column. */
  readonly datos: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly [column: string]: unknown;
}

export function recordOf(kind: RecordKind, row: RecordRow): BusinessRecord {
  const known = Object.keys(kind.known).map((name) => [name, row[name]] as const);
  return {
    id: row.id,
    ...Object.fromEntries(known),
    ...row.datos,
    version: Number(row.version),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
