import type { IncomingMessage } from 'node:http';
import { ProblemError } from '../problem-details/problem.js';
import type { Attribution } from './principal.js';

const HEADERS = [
  ['x-user-id', 'userId'],
  ['x-cliente-id', 'clienteId'],
  ['x-campana-id', 'campanaId'],
  ['x-segmento', 'segmento'],
] as const satisfies readonly (readonly [string, keyof Attribution])[];

/** Characters, after decoding. */
const LONGEST_VALUE = 200;

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const NOBODY: Attribution = Object.freeze({});

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The attribution headers, decoded and bounded. Throws `bad_header` for one that is too long or has control characters. */
export function attributionOf(request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>): Attribution {
  let attribution: { -readonly [Name in keyof Attribution]: string } | undefined;
  for (const [header, name] of HEADERS) {
    const raw = request.headers[header];
    if (raw === undefined || raw === '') continue;
    attribution ??= {};
    attribution[name] = decoded(request, header, String(raw));
  }
  return attribution ?? NOBODY;
}

function decoded(request: Pick<IncomingMessage, 'headersDistinct'>, header: string, raw: string): string {
  // Node joins repeated headers with a comma: whose spending would it be?
  if (raw.includes(',') && (request.headersDistinct[header]?.length ?? 0) > 1) {
    throw refused(header, 'is given more than once');
  }
  const value = unescaped(readText(raw));
  if (value.length > LONGEST_VALUE) throw refused(header, `is longer than ${LONGEST_VALUE} characters`);
  if (CONTROL.test(value)) throw refused(header, 'has control characters');
  return value;
}

/**
 * Node hands headers over byte by byte, as Latin-1. Most clients send a name with accents as the bytes of UTF-8; `fetch` sends
 * it as Latin-1, which is hardly ever valid UTF-8 as well.
 */
function readText(raw: string): string {
  try {
    return utf8.decode(Buffer.from(raw, 'latin1'));
  } catch {
    return raw; // Latin-1: each byte is its character already
  }
}

/** `fetch` cannot send a name outside Latin-1 but percent-encoded. What does not decode, such as `50% off`, is meant as it stands. */
function unescaped(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // not percent-encoded: the text itself
  }
}

function refused(header: string, message: string): ProblemError {
  return new ProblemError('bad_header', `The header ${header} ${message}.`, {
    errors: [{ path: header, message }],
  });
}
