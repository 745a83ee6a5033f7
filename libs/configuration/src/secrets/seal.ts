import { decode, encode, type Keyring } from '@promptsales/cache-core';
import { pathText, type Path } from '../json.js';

const PREFIX = 'encrypted:';

/** How a stored secret begins. No value of a caller may. */
export function isSealed(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Encrypts the secrets inside a configuration, each by itself, so that the rest stays readable. PostgreSQL and Redis hold
 * the same text. It is bound to its configuration and its place there: copied elsewhere, it does not decrypt.
 */
export class Seal {
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** @param key of the configuration, as in Redis without KEY_PREFIX */
  seal(secret: string | number, key: string, path: Path): string {
    const bytes = encode(Buffer.from(JSON.stringify(secret)), { keyring: this.#keyring, aad: placeOf(key, path) });
    return PREFIX + bytes.toString('base64');
  }

  /** @throws CodecError `no_key` when its key is no longer on the ring; others when it was changed or belongs elsewhere */
  open(sealed: string, key: string, path: Path): string | number {
    const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64');
    return JSON.parse(decode(bytes, { keyring: this.#keyring, aad: placeOf(key, path) }).toString('utf8')) as
      string | number;
  }
}

function placeOf(key: string, path: Path): string {
  return `${key} ${pathText(path)}`;
}
