/** A family's values as callers of the HTTP surface see them: JSON, in the shape of the family's Redis type. */
import { KeyspaceError, parseBody, type Family } from '@promptsales/cache-core';

/**
 * The value that a JSON text says.
 * @throws KeyspaceError `value_shape` for what cannot be a value of the family, or says what JSON readers disagree about
 * @throws BodyError for what is no JSON
 */
export function valueOfJson(family: Family, text: string): unknown {
  const body = parseBody(Buffer.from(text));
  if (!body.faithful) {
    throw new KeyspaceError(
      'value_shape',
      'it would not come back as it was sent: a number beyond what a double holds, a name given twice or half a surrogate pair; send such a number as text',
      { family: family.id },
    );
  }
  const { value } = body;
  return family.kind === 'zset' ? scoresOf(family, value) : value;
}

/** The JSON text of a value. */
export function jsonOfValue(family: Family, value: unknown): string {
  if (family.kind === 'zset') return JSON.stringify(Object.fromEntries(value as ReadonlyMap<string, number>));
  if (family.kind === 'bytes') return JSON.stringify((value as Buffer).toString('base64'));
  return JSON.stringify(value);
}

function scoresOf({ id }: Family, value: unknown): ReadonlyMap<string, number> {
  const refused = (path: string, message: string) =>
    new KeyspaceError('value_shape', `family ${id}: ${path} ${message}`, { family: id, issues: [{ path, message }] });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused('/', 'must be an object {member: score}');
  }
  const pairs = Object.entries(value as Readonly<Record<string, unknown>>);
  for (const [member, score] of pairs) if (typeof score !== 'number') throw refused(`/${member}`, 'must be a number');
  return new Map(pairs as [string, number][]);
}
