/**
 * Integers that a double cannot hold, such as ids of 64 bits: a chunk's are merged and written again digit by digit, as
 * a reader of the stream sees them.
 */
import { parsedEvent } from '../json-object.js';

type Reviver = (key: string, value: unknown) => unknown;

/** Newer than the library of types. */
const { rawJSON } = JSON as typeof JSON & { readonly rawJSON: (text: string) => unknown };

/** Where an integer of so many digits may stand; in a text it costs a second reading and nothing else. */
const LONG_INTEGER = /[:[,]\s*-?\d{16}/;

/** What an event says, a `bigint` for each integer that would be rounded; undefined for what is no JSON. */
export function exactEvent(data: string): unknown {
  const event = parsedEvent(data);
  return event !== undefined && LONG_INTEGER.test(data) ? JSON.parse(data, exact as Reviver) : event;
}

function exact(_key: string, value: unknown, { source }: { readonly source: string }): unknown {
  const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source);
  return isRounded ? BigInt(source) : value;
}

/** The JSON of what such events were merged to. */
export function exactJson(merged: object): string {
  try {
    return JSON.stringify(merged);
  } catch (error) {
    // A bigint is rare, and looking at each member is not for every answer.
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(merged, (_key, value: unknown) =>
      typeof value === 'bigint' ? rawJSON(String(value)) : value,
    );
  }
}
