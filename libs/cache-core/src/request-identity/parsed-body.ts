import { isUtf8 } from 'node:buffer';
import { BodyError } from './body-error.js';
import { canonicalJson } from './canonical-json.js';
import { firstJsonFault, firstUtf8Fault } from './faults.js';
import { DEEPEST_NESTING, tooDeepAt } from './nesting.js';
import type { OmittedPath } from './omissions.js';

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/**
 * A request's body: the bytes that the client sent, and what they say.
 *
 * `JSON.parse` forgets: of two properties with one name the first, of a number what a double cannot hold. The value of such a body
 * must neither stand for it in a key nor be written back in its place.
 */
export class ParsedBody {
  readonly bytes: Buffer;
  readonly value: JsonValue;
  readonly #text: string;
  #faithful: boolean | undefined;

  constructor(bytes: Buffer, text: string, value: JsonValue) {
    this.bytes = bytes;
    this.value = value;
    this.#text = text;
  }

  /** Does the value say all that the bytes say (the body is I-JSON)? */
  get faithful(): boolean {
    this.#faithful ??= canonicalJson(this.#text).faithful;
    return this.#faithful;
  }

  /** The canonical form without the omitted paths, or `undefined` for a body that is not I-JSON. */
  canonical(omit: readonly OmittedPath[]): string | undefined {
    const { text, faithful } = canonicalJson(this.#text, omit);
    this.#faithful = faithful;
    return faithful ? text : undefined;
  }
}

/** Reads a body. Throws `BodyError` for what is no UTF-8, no JSON, or nested deeper than anything real. */
export function parseBody(bytes: Buffer): ParsedBody {
  if (!isUtf8(bytes)) {
    const position = firstUtf8Fault(bytes);
    throw new BodyError('body_not_utf8', `the body is not valid UTF-8 at byte ${position}`, position);
  }
  const text = bytes.toString('utf8');
  const deep = tooDeepAt(text);
  if (deep >= 0) throw new BodyError('body_too_deep', `the body nests deeper than ${DEEPEST_NESTING} levels`, deep);
  return new ParsedBody(bytes, text, parseText(text));
}

function parseText(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // The engine's own message quotes the body and does not always say where.
    const position = firstJsonFault(text);
    const why = position >= text.length ? 'it ends too early' : `position ${position} does not fit`;
    throw new BodyError('body_not_json', `the body is not valid JSON: ${why}`, position);
  }
}
