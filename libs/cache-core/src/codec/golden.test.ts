/**
 * Bytes as each version wrote them, kept for ever: a newer process must read what an older one stored.
 * A new version adds a file; these are never rewritten.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from './codec.js';
import { Keyring } from './keyring.js';

interface GoldenFile {
  readonly encryption_key: string;
  readonly values: ReadonlyArray<{
    readonly form: string;
    readonly redis_key: string;
    readonly value_base64: string;
    readonly stored_base64: string;
  }>;
}

const folder = join(import.meta.dirname, 'golden');
const golden = readdirSync(folder).flatMap((name) => {
  const file = JSON.parse(readFileSync(join(folder, name), 'utf8')) as GoldenFile;
  const keyring = Keyring.fromBase64(file.encryption_key);
  return file.values.map((value) => ({ ...value, name, keyring }));
});

describe('golden bytes', () => {
  it('are there for every form', () => {
    expect(golden.map(({ form }) => form).toSorted()).toEqual([
      'encrypted',
      'encrypted zstd',
      'plain',
      'verbatim',
      'zstd',
    ]);
  });

  it.each(golden)('$name: $form is read', ({ keyring, redis_key, stored_base64, value_base64 }) => {
    const value = decode(Buffer.from(stored_base64, 'base64'), { keyring, aad: redis_key });
    expect(value.toString('base64')).toBe(value_base64);
  });

  it.each(golden.filter(({ form }) => form === 'plain' || form === 'verbatim'))(
    '$name: $form is still written so',
    ({ stored_base64, value_base64 }) => {
      expect(encode(Buffer.from(value_base64, 'base64')).toString('base64')).toBe(stored_base64);
    },
  );
});
