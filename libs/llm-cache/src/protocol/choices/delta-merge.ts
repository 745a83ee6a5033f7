/**
 * Merges the deltas of a stream into the object they describe, knowing as little as possible of what they hold, so that
 * a provider's own fields survive: strings are concatenated, arrays of objects with an `index` merge by it, other arrays
 * are appended to, objects merge member by member, everything else replaces. A null never replaces a value: providers
 * send `"content": null` or `"finish_reason": null` for "nothing new".
 *
 * What a provider gives one index though it means several (parallel tool calls, kinds of reasoning) stays apart, and
 * content that comes now as a text and now in parts becomes parts.
 */
import { isObject, textIn } from '../json-object.js';
import type { JsonObject } from '../protocol.js';
import { joinedBase64 } from './base64-text.js';

/** Texts that name rather than continue; some providers repeat them in every chunk, some say them once and then ''. */
const NAMING: ReadonlySet<string> = new Set(['role', 'type', 'id', 'format', 'object']);
/** Parts of a content that go on where the next delta begins with one of their type. */
const GROWING_PARTS: ReadonlySet<unknown> = new Set(['text', 'thinking']);

/** The last item of each index: arrays may grow by thousands of them. */
const latest = new WeakMap<unknown[], Map<unknown, JsonObject>>();

/** Without a prototype, so that a member named `__proto__` is a member like any other. */
export function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** `target` must come from `emptyObject`. */
export function mergeDelta(target: JsonObject, delta: JsonObject): void {
  for (const name in delta) target[name] = merged(target, name, delta[name]);
}

/** For what stands beside the delta in a choice: only lists of numbers, such as the ids of tokens, go on from chunk to chunk. */
export function mergeBeside(target: JsonObject, name: string, value: unknown): void {
  const old = target[name];
  if (isNumbers(old) && isNumbers(value)) for (const number of value) old.push(number);
  else if (isNumbers(value)) target[name] = [...value];
  else if (value !== null || old === undefined) target[name] = value;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && typeof value[0] === 'number';
}

function merged(target: JsonObject, name: string, value: unknown): unknown {
  const old = target[name];
  if (old === undefined || old === null) return fresh(value);
  if (value === undefined || value === null) return old;
  if (typeof old === 'string' && typeof value === 'string') return mergedText(target, name, old, value);
  if (name === 'content' && (Array.isArray(old) || Array.isArray(value)))
    return mergedItems(partsOf(old), partsOf(value));
  if (Array.isArray(old) && Array.isArray(value)) return mergedItems(old, value);
  if (isObject(old) && isObject(value)) {
    mergeDelta(old, value);
    return old;
  }
  return fresh(value);
}

/** A deep copy made by merging into nothing, so that equal indexes inside one chunk meet as well. */
function fresh(value: unknown): unknown {
  if (Array.isArray(value)) return mergedItems([], value);
  if (!isObject(value)) return value;
  const object = emptyObject();
  mergeDelta(object, value);
  return object;
}

function partsOf(content: unknown): unknown[] {
  if (Array.isArray(content)) return content;
  return content === '' ? [] : [fresh(typeof content === 'string' ? { type: 'text', text: content } : content)];
}

function mergedItems(items: unknown[], more: readonly unknown[]): unknown[] {
  const last = items.at(-1);
  const [first, ...others] = more;
  if (isObject(last) && isObject(first) && growsBy(last, first)) {
    mergeDelta(last, first);
    for (const item of others) mergeItem(items, item);
  } else {
    for (const item of more) mergeItem(items, item);
  }
  return items;
}

function growsBy(part: JsonObject, more: JsonObject): boolean {
  return more['index'] === undefined && GROWING_PARTS.has(more['type']) && part['type'] === more['type'];
}

function mergeItem(items: unknown[], item: unknown): void {
  if (!isObject(item)) {
    items.push(fresh(item));
    return;
  }
  const known = latest.get(items)?.get(item['index']);
  if (known !== undefined && !isAnother(known, item)) {
    mergeDelta(known, item);
    return;
  }
  const added = fresh(item) as JsonObject;
  items.push(added);
  if (!Number.isInteger(item['index'])) return;
  let byIndex = latest.get(items);
  if (byIndex === undefined) latest.set(items, (byIndex = new Map()));
  byIndex.set(item['index'], added);
}

/** Told by its type, or by an id and a name of its own: an id alone is with some servers another one in each piece. */
function isAnother(known: JsonObject, item: JsonObject): boolean {
  if (differ(known['type'], item['type'])) return true;
  const called = item['function'] ?? item['custom'];
  return differ(known['id'], item['id']) && isObject(called) && textIn(called['name']) !== null;
}

function differ(one: unknown, other: unknown): boolean {
  return textIn(one) !== null && textIn(other) !== null && one !== other;
}

function mergedText(target: JsonObject, name: string, old: string, value: string): string {
  if (NAMING.has(name)) return value === '' ? old : value;
  // A tool's name comes whole, repeated, or in pieces; only pieces differ.
  if (name === 'name' && old === value) return old;
  return name === 'data' ? joinedBase64(target, old, value) : old + value;
}
