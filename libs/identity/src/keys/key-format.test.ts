import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { isKeyId, isKeyShaped, newKey } from './key-format.js';

describe('API keys', () => {
  it('have a prefix, an id, 256 bits of secret and a checksum', () => {
    const { id, key, hash } = newKey();
    expect(key).toMatch(/^psk_[0-9A-Za-z]{17}_[0-9A-Za-z]{49}$/);
    expect(key.slice(4, 21)).toBe(id);
    expect(isKeyId(id)).toBe(true);
    expect(hash).toEqual(createHash('sha256').update(key).digest());
  });

  it('keep every bit of their randomness', () => {
    const keyOf = (fill: Buffer): string => newKey((size) => Buffer.concat([fill], size)).key;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(255), (bytes, bit) => {
        const one = Buffer.from(bytes);
        const other = Buffer.from(bytes);
        other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(keyOf(one)).not.toBe(keyOf(other));
        expect(keyOf(one)).toHaveLength(71);
      }),
    );
  });

  it('are told from what nobody made', () => {
    const { key } = newKey();
    expect(isKeyShaped(key)).toBe(true);
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.constantFrom(...'0aZ_-é'), (at, letter) => {
        const changed = key.slice(0, at) + letter + key.slice(at + 1);
        expect(isKeyShaped(changed)).toBe(changed === key);
      }),
    );
    expect(isKeyShaped('')).toBe(false);
    expect(isKeyShaped(`${key} `)).toBe(false);
    expect(isKeyShaped(`${key}\n`)).toBe(false);
  });

  it.each(['', '\0', '../../etc', 'x'.repeat(18), '%00'])('trap 12: %j is no id', (text) => {
    expect(isKeyId(text)).toBe(false);
  });
});
