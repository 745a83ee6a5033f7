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

/** The attribution headers, decoded and bounded. Throws `bad_header` for one that cannot be taken as it is. */
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
  let value: string;
  try {
    // Node hands headers over as Latin-1; names with accents arrive as the bytes of UTF-8.
    value = utf8.decode(Buffer.from(raw, 'latin1'));
  } catch (error) {
    throw refused(header, 'is not valid UTF-8', error);
  }
  if (value.length > LONGEST_VALUE) throw refused(header, `is longer than ${LONGEST_VALUE} characters`);
  if (CONTROL.test(value)) throw refused(header, 'has control characters');
  return value;
}

function refused(header: string, message: string, cause?: unknown): ProblemError {
  return new ProblemError('bad_header', `The header ${header} ${message}.`, {
    errors: [{ path: header, message }],
    cause,
  });
}
