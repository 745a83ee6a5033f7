import { parseBody } from '@promptsales/cache-core';
import { isObject } from './json-object.js';
import type { JsonObject } from './protocol.js';

/** Null for what is no object, or says something that JSON readers disagree about: it cannot be taken apart and put together again. */
export function faithfulObject(json: Buffer): JsonObject | null {
  try {
    const { faithful, value } = parseBody(json);
    return faithful && isObject(value) ? value : null;
  } catch {
    return null; // no JSON: there is nothing to take apart
  }
}
