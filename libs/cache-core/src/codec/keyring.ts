import { createSecretKey, hash, type KeyObject } from 'node:crypto';
import { CodecError } from './codec-error.js';

export const KEY_BYTES = 32;
export const KEY_ID_BYTES = 8;

export interface RingKey {
  /** Tells keys apart in stored values; says nothing of the key. */
  readonly id: Buffer;
  readonly secret: KeyObject;
}

/** Encryption keys: the first encrypts, all decrypt. Nothing of a key shows when the ring is printed. */
export class Keyring {
  readonly #keys: ReadonlyMap<string, RingKey>;
  readonly #current: RingKey;

  constructor(keys: readonly Uint8Array[]) {
    const ring = keys.map((key, index) => {
      if (key.length !== KEY_BYTES) {
        throw new CodecError(
          'key_invalid',
          `encryption key ${index + 1} has ${key.length} bytes; AES-256 takes ${KEY_BYTES}`,
        );
      }
      return { id: keyId(key), secret: createSecretKey(key) };
    });
    const [current] = ring;
    if (current === undefined) throw new CodecError('key_invalid', 'a key ring needs at least one key');
    this.#current = current;
    this.#keys = new Map(ring.map((key) => [key.id.toString('hex'), key]));
  }

  /** From the form of `ENCRYPTION_KEY`: base64 keys with commas between them. */
  static fromBase64(list: string): Keyring {
    return new Keyring(
      list.split(',').map((text, index) => {
        const trimmed = text.trim();
        const key = Buffer.from(trimmed, 'base64');
        if (key.length !== KEY_BYTES || key.toString('base64').replace(/=+$/, '') !== trimmed.replace(/=+$/, '')) {
          throw new CodecError('key_invalid', `encryption key ${index + 1} is not ${KEY_BYTES} bytes in base64`);
        }
        return key;
      }),
    );
  }

  /** The key that encrypts. */
  get current(): RingKey {
    return this.#current;
  }

  find(id: Buffer): RingKey | undefined {
    return this.#keys.get(id.toString('hex'));
  }
}

function keyId(key: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from('promptsales key id\0'), key]), 'buffer').subarray(0, KEY_ID_BYTES);
}
