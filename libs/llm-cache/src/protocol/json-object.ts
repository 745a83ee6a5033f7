import { tooDeepAt } from '@promptsales/cache-core';
import type { JsonObject } from './protocol.js';

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Null says the same as nothing. */
export function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Undefined for what is no JSON. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // told apart by its type
  }
}

/** What an event of a stream says; undefined also where it nests so deep that putting it together would end the stack. */
export function parsedEvent(data: string): unknown {
  return tooDeepAt(data) >= 0 ? undefined : parsed(data);
}

/** The text, or null for what is none or says nothing. */
export function textIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}

export function withoutUndefined(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
