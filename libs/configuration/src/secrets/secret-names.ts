import { keyspace } from '@promptsales/cache-core';

/** What the members are called whose values nobody may see. Compared without case, accents and separators, from the end. */
const ENDINGS: readonly string[] = [
  ...keyspace.configKey.secretFields.map(plain),
  'accesskey',
  'authorization',
  'bearer',
  'connectionstring',
  'contrasena',
  'cookie',
  'credential',
  'passphrase',
  'passwd',
  'privatekey',
  'secretkey',
];

/** Too common at the end of other names: `palabras_clave` are keywords. */
const WHOLE: ReadonlySet<string> = new Set(['clave', 'pass', 'pwd']);

/** `client_secret`, `X-Api-Key`, `accessToken`; not `max_tokens`. */
export function isSecretName(name: string): boolean {
  const bare = plain(name);
  return WHOLE.has(bare) || ENDINGS.some((ending) => bare.endsWith(ending));
}

function plain(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}
