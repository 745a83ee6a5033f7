import { type RawBuilder, sql } from 'kysely';

/** The types of the ledger's columns, as PostgreSQL calls them. */
export type ColumnType = 'uuid' | 'text' | 'bigint' | 'integer' | 'boolean' | 'timestamptz' | 'jsonb';

/** Column names and their types, in the order of the statement. */
export type Columns<Row> = Readonly<Partial<Record<keyof Row & string, ColumnType>>>;

/**
 * Rows as one array per column, to be unfolded by `unnest`: the statement's text does not depend on how many rows it carries,
 * and PostgreSQL reads arrays five times faster than it reads the same rows from JSON (measured with 30 columns).
 */
export function unnested<Row extends object>(rows: readonly Row[], columns: Columns<Row>): RawBuilder<unknown> {
  const arrays = Object.entries(columns).map(([name, type]) => {
    const literal = arrayLiteral(rows.map((row): unknown => Reflect.get(row, name)));
    return sql`${literal}::${sql.raw(String(type))}[]`;
  });
  return sql`unnest(${sql.join(arrays)}) as line(${columnNames(columns)})`;
}

export function columnNames(columns: Readonly<Record<string, unknown>>): RawBuilder<unknown> {
  return sql.join(Object.keys(columns).map((name) => sql.ref(name)));
}

/** PostgreSQL's text form of an array. Objects become JSON, what is absent becomes NULL. */
export function arrayLiteral(values: readonly unknown[]): string {
  return `{${values.map(elementOf).join(',')}}`;
}

const TO_ESCAPE = /["\\]/;

function elementOf(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return TO_ESCAPE.test(text) ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `"${text}"`;
}
