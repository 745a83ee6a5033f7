import type { Section, Variable, VariableSet } from './variable.js';
import { VARIABLES } from './variables.js';

type Definition = Variable<unknown> | VariableSet<string, unknown>;

const definitions: readonly Definition[] = Object.values<Section<Record<string, Definition>>>(VARIABLES).flatMap(
  (section) => Object.values(section.variables),
);
const sets = definitions.filter((definition) => definition.shape === 'set');
const knownNames: readonly string[] = definitions.flatMap((definition) => {
  if (definition.shape === 'single') return [definition.name];
  return [...(definition.members ?? new Map<string, string>()).keys()].map((member) => `${definition.prefix}${member}`);
});
const known = new Set(knownNames);

/**
 * A line for each name that nobody reads and that looks like one that somebody does. `families` are the spellings that
 * `TTL_…` and `CACHE_…` may end in; null when they are not known here, and then any of them passes.
 */
export function nearMisses(names: readonly string[], families: ReadonlySet<string> | null): string[] {
  return names.flatMap((name) => {
    if (known.has(name)) return [];
    const set = sets.find((candidate) => name.startsWith(candidate.prefix) && name.length > candidate.prefix.length);
    const members = set === undefined ? null : (set.members ?? families);
    if (set !== undefined && (members === null || members.has(name.slice(set.prefix.length)))) return [];
    const meant = nearest(
      name,
      members === null || set === undefined ? [] : [...members.keys()].map((member) => `${set.prefix}${member}`),
    );
    if (meant !== null) return [`${name} is read by nobody; did you mean ${meant}?`];
    if (set?.members == null)
      return set === undefined ? [] : [`${name} is read by nobody; no family of the keyspace has that id`];
    return [`${name} is read by nobody; ${set.prefix}${set.placeholder} takes ${[...set.members.keys()].join(', ')}`];
  });
}

/** Short names are a letter away from many an innocent one (HOST and POST), so they must be closer. */
function tolerance(name: string): number {
  return name.length < 8 ? 1 : 2;
}

const NEIGHBOURS_OF_SHORT_NAMES = new Set(['POST', 'PORTS', 'SORT']);

function nearest(name: string, more: readonly string[]): string | null {
  const upper = name.toUpperCase();
  if (NEIGHBOURS_OF_SHORT_NAMES.has(upper)) return null;
  let best: { name: string; distance: number } | null = null;
  for (const candidate of [...knownNames, ...more]) {
    const limit = tolerance(candidate);
    if (Math.abs(candidate.length - upper.length) > limit) continue;
    const distance = editDistance(upper, candidate);
    if (distance <= limit && (best === null || distance < best.distance)) best = { name: candidate, distance };
  }
  return best?.name ?? null;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count one each. */
export function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1;
      let distance = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + cost);
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) distance = Math.min(distance, at(beforeLast, column - 2) + 1);
      current.push(distance);
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
