import { keyspace } from '@promptsales/cache-core';

/** What the members are called whose values nobody may see. Compared without case, accents and separators, from the end. */
const ENDINGS: readonly string[] = [
  ...keyspace.configKey.secretFields.map(plain),
  'accesskey',
  'authorization',
  'bearer',
  'clave',
  'connectionstring',
  'contrasena',
  'cookie',
  'credential',
  'passphrase',
  'passwd',
  'privatekey',
  'pwd',
  'secretkey',
];

/** `client_secret`, `X-Api-Key`, `accessToken`; not `max_tokens`. */
export function isSecretName(name: string): boolean {
  const bare = plain(name);
  return ENDINGS.some((ending) => bare.endsWith(ending));
}

function plain(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}
