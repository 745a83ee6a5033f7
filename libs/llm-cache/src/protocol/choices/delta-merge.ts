/**
 * Merges the deltas of a stream into the object they describe, knowing as little as possible of what they hold, so that
 * a provider's own fields survive: strings are concatenated, arrays of objects with an `index` merge by it, other arrays
 * are appended to, objects merge member by member, everything else replaces. A null never replaces a value: providers
 * send `"content": null` or `"finish_reason": null` for "nothing new".
 */
import { isObject } from '../json-object.js';
import type { JsonObject } from '../protocol.js';

/** Texts that name rather than continue; some providers repeat them in every chunk. */
const NAMING: ReadonlySet<string> = new Set(['role', 'type', 'id', 'format', 'object']);

/** Without a prototype, so that a member named `__proto__` is a member like any other. */
export function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** `target` must come from `emptyObject`. */
export function mergeDelta(target: JsonObject, delta: JsonObject): void {
  for (const name in delta) target[name] = merged(name, target[name], delta[name]);
}

function merged(name: string, old: unknown, value: unknown): unknown {
  if (old === undefined || old === null) return isObject(value) || Array.isArray(value) ? fresh(value) : value;
  if (value === undefined || value === null) return old;
  if (typeof old === 'string' && typeof value === 'string') return mergedText(name, old, value);
  if (Array.isArray(old) && Array.isArray(value)) {
    for (const item of value as unknown[]) mergeItem(old, item);
    return old;
  }
  if (isObject(old) && isObject(value)) {
    mergeDelta(old, value);
    return old;
  }
  return isObject(value) || Array.isArray(value) ? fresh(value) : value;
}

/** A deep copy made by merging into nothing, so that equal indexes inside one chunk meet as well. */
function fresh(value: JsonObject | unknown[]): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) mergeItem(items, item);
    return items;
  }
  const object = emptyObject();
  mergeDelta(object, value);
  return object;
}

function mergeItem(items: unknown[], item: unknown): void {
  if (!isObject(item)) {
    items.push(Array.isArray(item) ? fresh(item) : item);
    return;
  }
  const index = item['index'];
  if (Number.isInteger(index)) {
    const known = items.find((one): one is JsonObject => isObject(one) && one['index'] === index);
    if (known !== undefined) {
      mergeDelta(known, item);
      return;
    }
  }
  items.push(fresh(item));
}

function mergedText(name: string, old: string, value: string): string {
  if (NAMING.has(name)) return value;
  // A tool's name comes whole, repeated, or in pieces; only pieces differ.
  if (name === 'name' && old === value) return old;
  if (name === 'data') return joinedBase64(old, value);
  return old + value;
}

/** Audio comes as base64 pieces, each perhaps padded: padding inside a text would make the whole unreadable. */
function joinedBase64(old: string, value: string): string {
  if (!old.endsWith('=')) return old + value;
  return Buffer.concat([Buffer.from(old, 'base64'), Buffer.from(value, 'base64')]).toString('base64');
}
