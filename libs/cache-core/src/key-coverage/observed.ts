/**
 * Hands out an input so that somebody learns which parts of it are read.
 *
 * Plain objects and arrays are looked into. Anything else (a Date, a Map, an instance with private fields) is handed out
 * as it is and counts as read whole, because it works only on itself. Symbols and methods are how an object works, not
 * what it holds; a method of an array reads the array through the same proxy.
 */
export type Path = readonly string[];

export interface Observer {
  /** A value was handed out that cannot be looked into, or a property was asked for that is not there. */
  read(path: Path): void;
  /** Somebody learned the names of all that lies directly under `path`. */
  enumerated(path: Path): void;
}

/** What the language itself asks any object for: how to write it as JSON, whether it is a promise. */
const ASKED_OF_ANY = new Set(['toJSON', 'then']);

/** Observers may throw: whoever reads gets the error. */
export function observed<T>(input: T, observer: Observer, path: Path = []): T {
  if (!canBeLookedInto(input)) return input;
  const children = new Map<object, unknown>();
  const array = Array.isArray(input);
  // A copy to stand behind the proxy: of a frozen object, a proxy would have to give out the very children.
  const shown = (array ? [...(input as unknown[])] : looseCopy(input)) as T & object;
  return new Proxy(shown, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof name === 'symbol' || typeof value === 'function') return value;
      if (value === undefined && ASKED_OF_ANY.has(name)) return value;
      if (array && name === 'length') observer.enumerated(path);
      else if (!canBeLookedInto(value)) observer.read([...path, name]);
      else {
        const known = children.get(value) ?? observed(value, observer, [...path, name]);
        children.set(value, known);
        return known;
      }
      return value;
    },
    has(target, name) {
      if (typeof name === 'string') observer.read([...path, name]);
      return Reflect.has(target, name);
    },
    ownKeys(target) {
      observer.enumerated(path);
      return Reflect.ownKeys(target);
    },
  });
}

function canBeLookedInto(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype === Object.prototype) return true;
  // What parsers of queries and routes make, so that nothing is inherited.
  return Object.getPrototypeOf(prototype) === null && Reflect.ownKeys(prototype).length === 0;
}

/** The same properties, whatever they are called, none of them fixed. */
function looseCopy(input: object): object {
  const copy = Object.create(Object.getPrototypeOf(input) as object | null) as object;
  for (const [name, value] of Object.entries(input)) {
    Object.defineProperty(copy, name, { value, configurable: true, enumerable: true, writable: true });
  }
  return copy;
}
