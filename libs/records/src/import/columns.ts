import { isFieldName, isReserved } from '../record/record-fields.js';
import type { RecordKind } from '../record/record-kind.js';

/** What is wrong with the names of columns; nothing, mostly. */
export function columnProblems(kind: RecordKind, names: readonly string[]): readonly string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [at, name] of names.entries()) {
    const known = name === 'id' || Object.hasOwn(kind.known, name);
    if (seen.has(name)) problems.push(`column ${at + 1} has the name of another`);
    else if (!known && isReserved(name)) problems.push(`column ${at + 1} (${name}) is set by the platform`);
    else if (!known && !isFieldName(name)) {
      problems.push(`column ${at + 1} has no name of a field: letters, digits and _ (at most 64)`);
    }
    seen.add(name);
  }
  for (const [name, field] of Object.entries(kind.known)) {
    if (field.required && !seen.has(name)) problems.push(`there is no column ${name}`);
  }
  return problems.slice(0, 20);
}
