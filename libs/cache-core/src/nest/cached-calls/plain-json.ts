/**
 * Values that are what their JSON says, no less and no more. `JSON.stringify` writes a Map as `{}`, NaN as `null` and a Date as
 * the text that it is not, so that values which differ become one: here each of them is refused.
 *
 * Accepted are null, booleans, finite numbers (0 and -0 are one), strings, and arrays and plain objects of those.
 */
import { DEEPEST_NESTING } from '../../request-identity/nesting.js';

/** @param path names of members and numbers of items from the value down to what is refused; a list that is its reader's own */
export type Refuse = (path: readonly string[], why: string) => never;

/** @param undefinedMembers of objects: to leave one out makes no difference to who reads it by its name */
export function plainJson(value: unknown, undefinedMembers: 'refused' | 'left out', refuse: Refuse): string {
  const path: string[] = [];

  function text(at: unknown): string {
    switch (typeof at) {
      case 'string':
      case 'boolean':
        return JSON.stringify(at);
      case 'number':
        return Number.isFinite(at) ? JSON.stringify(at) : refuse(path, 'is no finite number');
      case 'object':
        break;
      default:
        return refuse(path, `is ${typeof at === 'undefined' ? 'undefined' : `a ${typeof at}`}`);
    }
    if (at === null) return 'null';
    // Whatever holds itself is endless, too.
    if (path.length >= DEEPEST_NESTING) refuse([], `holds itself, or nests deeper than ${DEEPEST_NESTING} levels`);
    return Array.isArray(at) ? items(at) : members(at);
  }

  function items(array: readonly unknown[]): string {
    // As many names as items, and `length`. A gap that a further name makes up for reads as undefined.
    if (Reflect.ownKeys(array).length !== array.length + 1) refuse(path, 'is an array with gaps or further members');
    return `[${Array.from(array, (item, index) => below(String(index), item)).join(',')}]`;
  }

  function members(object: object): string {
    if (!isPlain(object)) refuse(path, `is an instance of ${classOf(object)}`);
    const names = Object.keys(object);
    if (Reflect.ownKeys(object).length !== names.length) refuse(path, 'has hidden members or symbols');
    const written: string[] = [];
    for (const name of names) {
      const member: unknown = (object as Record<string, unknown>)[name];
      if (member === undefined && undefinedMembers === 'left out') continue;
      written.push(`${JSON.stringify(name)}:${below(name, member)}`);
    }
    return `{${written.join(',')}}`;
  }

  function below(name: string, member: unknown): string {
    path.push(name);
    const written = text(member);
    path.pop();
    return written;
  }

  return text(value);
}

/** Of any realm: its prototype is none, or the one that all prototypes end in. */
function isPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function classOf(object: object): string {
  const maker: unknown = (object as { constructor?: unknown }).constructor;
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'a class';
}
