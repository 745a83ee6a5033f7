/** Compared without case and separators, from the end: `api_key`, `X-Amz-Signature`, `accessToken`; not `max_tokens`. */
const ENDINGS: readonly string[] = [
  'accesskey',
  'apikey',
  'authorization',
  'bearer',
  'credential',
  'credentials',
  'passphrase',
  'passwd',
  'password',
  'privatekey',
  'secret',
  'secretkey',
  'signature',
  'subscriptionkey',
  'token',
];
/** Too common at the end of other names. */
const WHOLE: ReadonlySet<string> = new Set(['auth', 'jwt', 'key', 'pass', 'pat', 'pwd', 'sig']);

/**
 * The parameters of a URL that are called as secrets are. A URL is shown, logged and written into audit logs as it is: a secret
 * belongs where it is encrypted.
 */
export function secretQueryNames({ searchParams }: URL): readonly string[] {
  return [...new Set(searchParams.keys())].filter((name) => {
    const bare = name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
    return WHOLE.has(bare) || ENDINGS.some((ending) => bare.endsWith(ending));
  });
}
