import { Secret } from './secret.js';
import { Refusal, type ValueKind } from './value-kind.js';

/** A key that travels in a header. */
export const credential: ValueKind<Secret> = {
  takes: 'printable ASCII without white space, up to 512 characters',
  secret: true,
  parse(text) {
    if (!/^[\x21-\x7e]{1,512}$/.test(text)) throw new Refusal();
    return new Secret(text);
  },
};

export const password: ValueKind<Secret> = {
  takes: 'any text without control characters',
  secret: true,
  verbatim: true,
  parse(text) {
    if (/\p{Cc}/u.test(text)) throw new Refusal();
    return new Secret(text);
  },
};

const KEY_BYTES = 32;

/** Keys of AES-256: the first encrypts, all of them decrypt. */
export const encryptionKeys: ValueKind<Secret<readonly Buffer[]>> = {
  takes: `${KEY_BYTES} bytes in base64 (openssl rand -base64 ${KEY_BYTES}), or a comma-separated list of them`,
  secret: true,
  parse(text) {
    const keys = text.split(',').map((part) => {
      const key = Buffer.from(part.trim(), 'base64');
      const canonical = key.toString('base64').replace(/=+$/, '');
      // Node drops what is not base64 without a word, so the text must be what the bytes encode to.
      const given = part.trim().replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
      if (key.length !== KEY_BYTES || given !== canonical) throw new Refusal();
      return key;
    });
    if (new Set(keys.map(String)).size !== keys.length) throw new Refusal('a key is in the list twice');
    return new Secret(Object.freeze(keys));
  },
};
