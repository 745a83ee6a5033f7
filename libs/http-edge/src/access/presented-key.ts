import type { IncomingHttpHeaders } from 'node:http';

/** What no key is longer than; a longer one is not worth hashing. */
const LONGEST_KEY = 512;

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** Nothing presented, something that cannot be a key, or a candidate to look up. */
export type PresentedKey =
  { readonly kind: 'none' } | { readonly kind: 'unusable' } | { readonly kind: 'key'; readonly key: string };

/**
 * The key of a request. `x-api-key` wins over `Authorization`: a caller that sends both means the second for somebody
 * behind us.
 */
export function presentedKey(headers: IncomingHttpHeaders): PresentedKey {
  const apiKey = headers['x-api-key'];
  if (apiKey !== undefined) {
    return typeof apiKey === 'string' && /^[\x21-\x7e]+$/.test(apiKey) && apiKey.length <= LONGEST_KEY
      ? { kind: 'key', key: apiKey }
      : { kind: 'unusable' };
  }
  const authorization = headers.authorization;
  if (authorization === undefined) return { kind: 'none' };
  const key = authorization.length <= LONGEST_KEY + 16 ? BEARER.exec(authorization)?.[1] : undefined;
  return key === undefined || key.length > LONGEST_KEY ? { kind: 'unusable' } : { kind: 'key', key };
}
