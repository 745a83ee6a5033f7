import { codecConformance } from '../src/conformance/index.js';
import { CodecError, decode, encode, Keyring, type DecodeOptions, type EncodeOptions } from '../src/index.js';

const keyring = new Keyring([Buffer.alloc(32, 7)]);
const isRefusal = (error: unknown): boolean => error instanceof CodecError;

describe('our codecs conform', () => {
  describe.each<[string, EncodeOptions & DecodeOptions]>([
    ['plain', {}],
    ['compressed', { compressAbove: 0 }],
    ['encrypted', { keyring, aad: 'app:k' }],
    ['compressed and encrypted', { compressAbove: 50, keyring, aad: 'app:k' }],
  ])('%s', (_name, how) => {
    const codec = {
      encode: (bytes: Buffer) => encode(bytes, how),
      decode: (stored: Buffer) => decode(stored, how),
      isRefusal,
    };
    test.each(codecConformance(codec))('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  test('a codec that loses a byte, throws what it likes or writes into its input does not conform', async () => {
    const failing = async (codec: Parameters<typeof codecConformance>[0]): Promise<number> => {
      const runs = await Promise.allSettled(codecConformance(codec).map(({ run }) => run()));
      return runs.filter(({ status }) => status === 'rejected').length;
    };
    const plain = { encode: (bytes: Buffer) => bytes, decode: (stored: Buffer) => stored, isRefusal };
    expect(await failing(plain)).toBe(0);
    expect(await failing({ ...plain, encode: (bytes) => bytes.subarray(0, 50_000) })).toBe(1);
    // JSON.parse refuses in its own way.
    const parsing = (stored: Buffer): Buffer => Buffer.from(JSON.stringify(JSON.parse(String(stored))));
    expect(await failing({ ...plain, decode: parsing })).toBe(6);
    expect(await failing({ ...plain, encode: (bytes) => Buffer.from(bytes).fill(1) })).toBeGreaterThan(0);
  });
});
