/**
 * The guard against keys that are too small: an entry that is found by fewer inputs than its value depends on is served
 * to the wrong caller. While the key is made, the parts of the input that it reads are noted; while the value is loaded,
 * each part that is read must be among them.
 *
 * For development and tests: watching costs a proxy for each input. It finds what a run really reads, so it is as good as
 * the runs are.
 */
import { KeyCoverageError } from './key-coverage-error.js';
import { observed, type Path } from './observed.js';

export interface KeyedWork<I, K, T> {
  /** Names the work in errors: a method, a route, a family. */
  readonly what: string;
  readonly input: I;
  readonly key: (input: I) => K;
  readonly load: (input: I) => T;
  /** Parts of the input that the value does not depend on, such as `requestId` or `options.trace`. */
  readonly ignores?: readonly string[];
  /** What a part of the input is called in errors; by default by its path. */
  readonly called?: (path: string) => string;
}

export interface Keyed<K, T> {
  readonly key: K;
  /** @throws KeyCoverageError at the first read that the key does not cover */
  readonly load: () => T;
}

/**
 * Makes the key from the input, and a load that may read no more of the input than the key did.
 * An input that is no plain object or array is covered by any key that is made from it.
 */
export function covered<I, K, T>(work: KeyedWork<I, K, T>): Keyed<K, T> {
  const { what, input, key, load, ignores = [], called = (path) => path } = work;
  const read = new Set<string>();
  const enumerated = new Set<string>();
  const made = key(
    observed(input, {
      read: (path) => read.add(nameOf(path)),
      enumerated: (path) => enumerated.add(nameOf(path)),
    }),
  );
  const isCovered = (path: Path): boolean => {
    const name = nameOf(path);
    if (read.has(name) || ignores.some((ignored) => name === ignored || name.startsWith(`${ignored}.`))) return true;
    // The key saw all names there are, and this is none of them.
    return enumerated.has(nameOf(path.slice(0, -1))) && !exists(input, path);
  };
  const watched = observed(input, {
    read: (path) => {
      if (!isCovered(path)) throw new KeyCoverageError(what, called(nameOf(path)));
    },
    // Whoever uses the values that he learned the names of reads them.
    enumerated: () => {},
  });
  return { key: made, load: () => load(watched) };
}

function nameOf(path: Path): string {
  return path.map((name) => name.replaceAll('.', String.raw`\.`)).join('.');
}

function exists(input: unknown, path: Path): boolean {
  let at = input;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !(name in at)) return false;
    at = (at as Record<string, unknown>)[name];
  }
  return true;
}
