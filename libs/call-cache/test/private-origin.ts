/**
 * A service that knows who asks and says so in what it answers, in every way in which a service may keep an answer from others;
 * and callers of two principals who ask at random.
 */
import type { FieldLine } from '../src/rules/fields.js';

export interface Principal {
  readonly name: string;
  readonly tenant: string;
}

/** How an answer is kept to its own caller; `public` is not. */
export const KEPT_APART = [
  'private',
  'no-store',
  'authorization',
  'set-cookie',
  'cookie',
  'vary-authorization',
  'vary-cookie',
  'vary-star',
  'tenant',
  'public',
] as const;

export type KeptApart = (typeof KEPT_APART)[number];

const LONG_UNCHANGED: FieldLine = ['Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'];
const A_MINUTE: FieldLine = ['Cache-Control', 'max-age=60'];
const VALIDATOR: FieldLine = ['ETag', '"1"'];

/** What an answer of this kind says of caches. */
export const ANSWER_LINES: Readonly<Record<KeptApart, readonly FieldLine[]>> = {
  private: [['Cache-Control', 'private, max-age=60'], VALIDATOR],
  'no-store': [['Cache-Control', 'no-store, max-age=60'], VALIDATOR],
  authorization: [A_MINUTE, VALIDATOR],
  tenant: [A_MINUTE, VALIDATOR],
  'set-cookie': [['Set-Cookie', 'session=1'], LONG_UNCHANGED],
  cookie: [LONG_UNCHANGED],
  'vary-authorization': [['Cache-Control', 'public, max-age=60'], ['Vary', 'Authorization'], VALIDATOR],
  'vary-cookie': [A_MINUTE, ['Vary', 'Cookie']],
  'vary-star': [A_MINUTE, ['Vary', '*']],
  public: [['Cache-Control', 'public, s-maxage=60']],
};

/** With what a caller asks for an answer of this kind. */
export function requestLines(kind: KeptApart, { name }: Principal): FieldLine[] {
  if (kind === 'authorization' || kind === 'vary-authorization') return [['Authorization', name]];
  if (kind === 'cookie' || kind === 'vary-cookie') return [['Cookie', `who=${name}`]];
  return [];
}

/** Whose answer it is: what the service writes into it. For `public` nobody's, for `tenant` the tenant's. */
export function ownerOf(kind: KeptApart, { name, tenant }: Principal): string {
  if (kind === 'public') return 'everybody';
  return kind === 'tenant' ? tenant : name;
}
