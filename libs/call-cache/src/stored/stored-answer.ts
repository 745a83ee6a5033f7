/**
 * How an answer lies in Redis: JSON that every reader of `api:call:*` can read, in which the bytes of the body can be found
 * again as they were.
 *
 *   {"body_at":"00000321","status":200,"timestamp":"…","encoding":"json","http":{…},"response":BODY}
 *
 * `encoding` says how BODY holds the bytes: `json` (they are JSON and stand there as they came), `text` (a JSON string of what
 * is UTF-8) or `base64`. Of several answers to one URI (`Vary`), the key of the URI holds the names by which they differ; its
 * `status` is 0.
 */
import { isUtf8 } from 'node:buffer';
import { Fields, type FieldLine } from '../rules/fields.js';
import type { LifetimeSource } from '../rules/freshness.js';

export interface StoredAnswer {
  readonly kind: 'answer';
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly body: Buffer;
  /** How old it was when it was stored. */
  readonly initialAgeMs: number;
  readonly lifetimeSeconds: number;
  readonly lifetimeSource: LifetimeSource;
  /** What the request said under the names of `Vary`, hashed. */
  readonly selecting: readonly (string | null)[];
}

/** Of a URI with several answers: by what they differ, and where they lie. */
export interface Variants {
  readonly kind: 'variants';
  readonly names: readonly string[];
  /** Part of their keys: without this entry none of them is found. */
  readonly generation: string;
}

export type Stored = StoredAnswer | Variants;

interface Head {
  readonly status: number;
  readonly timestamp: string;
  readonly encoding: 'json' | 'text' | 'base64' | 'none';
  readonly http:
    | {
        readonly reason: string;
        readonly fields: readonly FieldLine[];
        readonly initial_age_ms: number;
        readonly lifetime_s: number;
        readonly lifetime_of: LifetimeSource;
        readonly selecting: readonly (string | null)[];
      }
    | { readonly vary: readonly string[]; readonly generation: string };
}

const DIGITS = 8;
const PROLOGUE = '{"body_at":"';
/** Infinity is no number of JSON. */
const UNKNOWN_AGE_MS = Number.MAX_SAFE_INTEGER;
export const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/** @param nowMs when it is stored, for readers */
export function encodeStored(stored: Stored, nowMs: number): Buffer {
  const timestamp = new Date(nowMs).toISOString();
  if (stored.kind === 'variants') {
    const { names, generation } = stored;
    return framed({ status: 0, timestamp, encoding: 'none', http: { vary: names, generation } }, Buffer.from('null'));
  }
  const { status, reason, fields, body, initialAgeMs, lifetimeSeconds, lifetimeSource, selecting } = stored;
  const [encoding, bytes] = packed(fields, body);
  const http = {
    reason,
    fields: fields.lines,
    initial_age_ms: Math.min(Math.ceil(initialAgeMs), UNKNOWN_AGE_MS),
    lifetime_s: lifetimeSeconds,
    lifetime_of: lifetimeSource,
    selecting,
  };
  return framed({ status, timestamp, encoding, http }, bytes);
}

function framed(head: Head, body: Buffer): Buffer {
  const rest = JSON.stringify(head).slice(1, -1);
  const before = `",${rest},"response":`;
  const at = PROLOGUE.length + DIGITS + Buffer.byteLength(before);
  return Buffer.concat([
    Buffer.from(`${PROLOGUE}${String(at).padStart(DIGITS, '0')}${before}`),
    body,
    Buffer.from('}'),
  ]);
}

/** @throws Error for what is no such value: it reads as a miss */
export function decodeStored(bytes: Buffer): Stored {
  const at = Number(bytes.toString('latin1', PROLOGUE.length, PROLOGUE.length + DIGITS));
  if (bytes.toString('latin1', 0, PROLOGUE.length) !== PROLOGUE || !(at > 0 && at < bytes.length)) {
    throw new Error('it was not written by this cache');
  }
  const head = JSON.parse(`${bytes.toString('utf8', 0, at)}null}`) as Head;
  const { http, status, encoding } = head;
  if ('vary' in http) return { kind: 'variants', names: http.vary, generation: http.generation };
  return Object.freeze({
    kind: 'answer',
    status,
    reason: http.reason,
    fields: new Fields(http.fields),
    body: unpacked(encoding, bytes.subarray(at, bytes.length - 1)),
    initialAgeMs: http.initial_age_ms,
    lifetimeSeconds: http.lifetime_s,
    lifetimeSource: http.lifetime_of,
    selecting: http.selecting,
  });
}

function packed(fields: Fields, body: Buffer): [Head['encoding'], Buffer] {
  const plain = !fields.has('content-encoding') && isUtf8(body);
  if (plain && JSON_TYPE.test(fields.joined('content-type') ?? '') && isJson(body)) return ['json', body];
  if (plain) return ['text', Buffer.from(JSON.stringify(body.toString('utf8')))];
  return ['base64', Buffer.from(`"${body.toString('base64')}"`)];
}

function unpacked(encoding: Head['encoding'], bytes: Buffer): Buffer {
  if (encoding === 'json') return bytes;
  const text = JSON.parse(bytes.toString('utf8')) as string;
  return Buffer.from(text, encoding === 'text' ? 'utf8' : 'base64');
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    // It only calls itself so; then it is kept as text.
    return false;
  }
}
