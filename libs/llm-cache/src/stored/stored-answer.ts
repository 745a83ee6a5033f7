/**
 * The value of family `llm_cache:{hash}`: JSON that any reader can parse, and that we serve without parsing. Its first
 * bytes have a fixed width and say where the answer's own bytes lie, so reading is slicing:
 *
 *     {"stored":{"version":  1,"from":         66,"length":       1234},"response":<bytes>,"model":…,"tokens":…,"timestamp":…}
 *
 * The numbers are padded on the left with spaces, which JSON allows there. A newer version reads as a miss.
 */

const STORED_VERSION = 1;
const WIDTH = 10;
const VERSION_WIDTH = 3;
const VERSION_PREFIX = '{"stored":{"version":';
const FROM_PREFIX = ',"from":';
const LENGTH_PREFIX = ',"length":';
const RESPONSE_PREFIX = '},"response":';
const VERSION_AT = VERSION_PREFIX.length;
const FROM_AT = VERSION_AT + VERSION_WIDTH + FROM_PREFIX.length;
const LENGTH_AT = FROM_AT + WIDTH + LENGTH_PREFIX.length;
export const PROLOGUE_BYTES = LENGTH_AT + WIDTH + RESPONSE_PREFIX.length;

export interface StoredFacts {
  /** The model that answered. */
  readonly model: string | null;
  /** Tokens in and out together, as the provider counted them. */
  readonly tokens: number | null;
  /** ISO 8601, UTC: when the answer was complete. */
  readonly timestamp: string;
  /** From `x-cache-tags`; left out where there are none. */
  readonly tags?: readonly string[];
}

/** `response` must be valid JSON in UTF-8; it is embedded verbatim. Null: only the stream could be kept. */
export function encodeStoredAnswer(response: Buffer | null, facts: StoredFacts): Buffer {
  const body = response ?? NULL;
  const prologue =
    VERSION_PREFIX +
    String(STORED_VERSION).padStart(VERSION_WIDTH) +
    FROM_PREFIX +
    String(PROLOGUE_BYTES).padStart(WIDTH) +
    LENGTH_PREFIX +
    String(body.length).padStart(WIDTH) +
    RESPONSE_PREFIX;
  const { model, tokens, timestamp, tags = [] } = facts;
  const tail = `,${JSON.stringify({ model, tokens, timestamp, ...(tags.length > 0 ? { tags } : {}) }).slice(1)}`;
  return Buffer.concat([Buffer.from(prologue, 'latin1'), body, Buffer.from(tail)]);
}

const NULL = Buffer.from('null');

/** The answer's bytes, a slice of the value; null for what is not of a version that we read. */
export function sliceResponse(value: Buffer): Buffer | null {
  if (value.length < PROLOGUE_BYTES || !holds(value, VERSION_BYTES, 0)) return null;
  if (numberAt(value, VERSION_AT, VERSION_WIDTH) !== STORED_VERSION) return null;
  const from = numberAt(value, FROM_AT, WIDTH);
  const length = numberAt(value, LENGTH_AT, WIDTH);
  if (from !== PROLOGUE_BYTES || length === null || from + length >= value.length) return null;
  if (!holds(value, RESPONSE_BYTES, from - RESPONSE_BYTES.length) || value[from + length] !== COMMA) return null;
  return value.subarray(from, from + length);
}

const SPACE = 0x20;
const COMMA = 0x2c;
const ZERO = 0x30;
const VERSION_BYTES = Buffer.from(VERSION_PREFIX, 'latin1');
const RESPONSE_BYTES = Buffer.from(RESPONSE_PREFIX, 'latin1');

function holds(value: Buffer, expected: Buffer, at: number): boolean {
  return value.compare(expected, 0, expected.length, at, at + expected.length) === 0;
}

/** A decimal padded on the left with spaces; null for anything else. */
function numberAt(value: Buffer, from: number, width: number): number | null {
  let at = from;
  const end = from + width;
  while (at < end && value[at] === SPACE) at += 1;
  if (at === end) return null;
  let number = 0;
  for (; at < end; at += 1) {
    const digit = (value[at] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return null;
    number = number * 10 + digit;
  }
  return number;
}
