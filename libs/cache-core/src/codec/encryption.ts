/**
 * AES-256-GCM, version 1:
 *
 *     C1 50 53 45 01 | key id (8) | nonce (12) | ciphertext | authentication tag (16)
 *
 * What is authenticated besides the text: everything before the nonce, and `aad`, which is the Redis key, so that a value copied to
 * another key does not decrypt. Nonces are random; at 96 bits one key is good for 2^32 values before it should be rotated.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CodecError } from './codec-error.js';
import { KEY_ID_BYTES, type Keyring } from './keyring.js';
import { ENCRYPTED, TAG_AND_VERSION_BYTES, TAG_BYTES } from './tags.js';

const VERSION = 1;
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const MAC_BYTES = 16;
const HEADER_BYTES = TAG_AND_VERSION_BYTES + KEY_ID_BYTES;

export function encrypt(bytes: Buffer, keyring: Keyring, aad: string): Buffer {
  const { id, secret } = keyring.current;
  const header = Buffer.concat([ENCRYPTED, Buffer.of(VERSION), id]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, secret, nonce, { authTagLength: MAC_BYTES });
  cipher.setAAD(boundTo(header, aad));
  return Buffer.concat([header, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

export function decrypt(bytes: Buffer, keyring: Keyring | undefined, aad: string): Buffer {
  const version = bytes[TAG_BYTES];
  if (version === undefined) throw new CodecError('truncated', 'the encrypted value ends inside its header');
  if (version !== VERSION)
    throw new CodecError('unknown_version', `encrypted form ${version} is not known to this process`);
  if (bytes.length < HEADER_BYTES + NONCE_BYTES + MAC_BYTES) {
    throw new CodecError('truncated', 'the encrypted value ends inside its header');
  }
  const header = bytes.subarray(0, HEADER_BYTES);
  const key = keyring?.find(header.subarray(TAG_AND_VERSION_BYTES));
  if (key === undefined)
    throw new CodecError('no_key', 'the value is encrypted with a key that is not on the key ring');
  const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key.secret, nonce, { authTagLength: MAC_BYTES });
  decipher.setAAD(boundTo(header, aad));
  decipher.setAuthTag(bytes.subarray(bytes.length - MAC_BYTES));
  try {
    const text = decipher.update(bytes.subarray(HEADER_BYTES + NONCE_BYTES, bytes.length - MAC_BYTES));
    return Buffer.concat([text, decipher.final()]);
  } catch (cause) {
    throw new CodecError('not_authentic', 'the encrypted value was changed, cut or belongs to another key', cause);
  }
}

function boundTo(header: Buffer, aad: string): Buffer {
  return Buffer.concat([header, Buffer.from(aad)]);
}
