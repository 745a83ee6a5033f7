import { isUtf8 } from 'node:buffer';
import { BodyError } from './body-error.js';
import { canonicalJson, type JsonValue, type OmittedPath } from './canonical-json.js';
import { firstJsonFault, firstUtf8Fault } from './faults.js';
import { scanJson, DEEPEST_NESTING, type JsonScan } from './json-scan.js';

/**
 * A request's body: the bytes that the client sent, and what they say.
 *
 * `JSON.parse` forgets: of two properties with one name the first, of a number what a double cannot hold. Such a body is not I-JSON
 * (RFC 7493); its value must neither stand for it in a key nor be written back in its place.
 */
export class ParsedBody {
  readonly bytes: Buffer;
  readonly value: JsonValue;
  readonly #scan: JsonScan;
  #faithful: boolean | undefined;

  constructor(bytes: Buffer, value: JsonValue, scan: JsonScan) {
    this.bytes = bytes;
    this.value = value;
    this.#scan = scan;
  }

  /** Does the value say all that the bytes say (the body is I-JSON)? Found out at the first question. */
  get faithful(): boolean {
    this.#faithful ??= this.canonical([]) !== undefined;
    return this.#faithful;
  }

  /** The canonical form without the omitted paths, or `undefined` for a body that is not I-JSON. */
  canonical(omit: readonly OmittedPath[]): string | undefined {
    if (this.#faithful === false || !this.#scan.numbersHold) return undefined;
    const { text, properties } = canonicalJson(this.value, omit);
    this.#faithful ??=
      properties === this.#scan.colons && !(this.#scan.maybeLoneSurrogates && hasLoneSurrogate(this.value));
    return this.#faithful ? text : undefined;
  }
}

/** Reads a body. Throws `BodyError` for what is no UTF-8, no JSON, or nested deeper than anything real. */
export function parseBody(bytes: Buffer): ParsedBody {
  if (!isUtf8(bytes)) {
    const position = firstUtf8Fault(bytes);
    throw new BodyError('body_not_utf8', `the body is not valid UTF-8 at byte ${position}`, position);
  }
  const text = bytes.toString('utf8');
  const scan = scanJson(text);
  if (scan.tooDeepAt >= 0) {
    throw new BodyError('body_too_deep', `the body nests deeper than ${DEEPEST_NESTING} levels`, scan.tooDeepAt);
  }
  return new ParsedBody(bytes, parseText(text), scan);
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

function hasLoneSurrogate(value: JsonValue): boolean {
  if (typeof value === 'string') return !value.isWellFormed();
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(([name, content]) => !name.isWellFormed() || hasLoneSurrogate(content));
}
