import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { decode, encode, type DecodeOptions } from './codec.js';
import { CodecError, type CodecErrorCode } from './codec-error.js';
import { Keyring } from './keyring.js';
import { ENCRYPTED, formOf, VERBATIM, ZSTD_MAGIC } from './tags.js';

const keyring = new Keyring([Buffer.alloc(32, 7)]);
const answer = Buffer.from(
  JSON.stringify(Array.from({ length: 200 }, (_, index) => ({ index, text: `answer ${index}` }))),
);

function failure(stored: Buffer, how?: DecodeOptions): CodecErrorCode | 'read' {
  try {
    decode(stored, how);
    return 'read';
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
}

const awkward = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(fc.constantFrom(ZSTD_MAGIC, ENCRYPTED, VERBATIM), fc.uint8Array({ maxLength: 40 }))
    .map(([tag, rest]) => Buffer.concat([tag, rest])),
  fc.string().map((text) => Buffer.from(JSON.stringify(text))),
);

describe('encode and decode', () => {
  it('give back every sequence of bytes, in every form', () => {
    const options = fc.record({
      compressAbove: fc.constantFrom(undefined, 0, 50),
      keyring: fc.constantFrom(undefined, keyring),
      aad: fc.constantFrom('', 'llm_cache:1'),
    });
    fc.assert(
      fc.property(awkward, options, (content, { compressAbove, keyring: ring, aad }) => {
        const bytes = Buffer.from(content);
        const how = {
          ...(compressAbove === undefined ? {} : { compressAbove }),
          ...(ring === undefined ? {} : { keyring: ring }),
          aad,
        };
        expect(decode(encode(bytes, how), how).equals(bytes)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves small and plain values as other readers expect them', () => {
    const json = Buffer.from('{"a":1}');
    expect(encode(json, { compressAbove: 1024 })).toBe(json);
    expect(encode(answer)).toBe(answer);
  });

  it('compresses above the threshold only, and only where it gains', () => {
    expect(formOf(encode(answer, { compressAbove: answer.length }))).toBe('plain');
    const packed = encode(answer, { compressAbove: answer.length - 1 });
    expect(packed.subarray(0, 4).equals(ZSTD_MAGIC)).toBe(true);
    expect(packed.length).toBeLessThan(answer.length / 4);
    const noise = randomBytes(5000);
    noise[0] = 1;
    expect(encode(noise, { compressAbove: 100 })).toBe(noise);
  });

  it('reads what a process with other settings wrote', () => {
    const stored = encode(answer, { compressAbove: 10, keyring, aad: 'k' });
    expect(decode(stored, { keyring, aad: 'k' }).equals(answer)).toBe(true);
    expect(decode(encode(answer), { keyring, aad: 'k' }).equals(answer)).toBe(true);
  });
});

describe('encryption', () => {
  const secret = Buffer.from('{"token":"ghp_secret"}');

  it('hides the value, and never the same way twice', () => {
    const [one, two] = [encode(secret, { keyring }), encode(secret, { keyring })];
    expect(one.equals(two)).toBe(false);
    expect(one.includes('ghp_')).toBe(false);
  });

  it('binds a value to its key', () => {
    const stored = encode(secret, { keyring, aad: 'config:github' });
    expect(failure(stored, { keyring, aad: 'config:gitlab' })).toBe('not_authentic');
    expect(failure(stored, { keyring, aad: 'config:github' })).toBe('read');
  });

  it('rotates: the first key encrypts, every key decrypts, a key taken away reads nothing', () => {
    const [old, young] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const before = encode(secret, { keyring: new Keyring([old]) });
    const rotated = new Keyring([young, old]);
    expect(decode(before, { keyring: rotated }).equals(secret)).toBe(true);
    const after = encode(secret, { keyring: rotated });
    expect(decode(after, { keyring: new Keyring([young]) }).equals(secret)).toBe(true);
    expect(failure(after, { keyring: new Keyring([old]) })).toBe('no_key');
    expect(failure(before, {})).toBe('no_key');
  });

  it('notices any changed or missing byte', () => {
    const stored = encode(secret, { keyring, aad: 'k' });
    const changed = (at: number) => Buffer.from(stored.map((byte, index) => (index === at ? byte ^ 0x01 : byte)));
    // Behind the tag: without it the bytes would be plain, and no JSON.
    const places = Array.from({ length: stored.length - ENCRYPTED.length }, (_, index) => index + ENCRYPTED.length);
    expect(places.filter((at) => failure(changed(at), { keyring, aad: 'k' }) === 'read')).toEqual([]);
    expect(places.filter((at) => failure(stored.subarray(0, at), { keyring, aad: 'k' }) === 'read')).toEqual([]);
  });

  it('trap 30: shows no key when a ring is printed, and none in errors', () => {
    const ring = Keyring.fromBase64(Buffer.alloc(32, 'k').toString('base64'));
    expect(inspect(ring, { depth: 9, showHidden: true })).not.toMatch(/6b6b6b|kkkk|a2tra2/);
    expect(() => Keyring.fromBase64('c2VjcmV0')).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    expect(() => Keyring.fromBase64('c2VjcmV0')).not.toThrow(/c2VjcmV0|secret/);
  });

  it.each(['', 'AAAA', `${Buffer.alloc(32).toString('base64')},`, '!'.repeat(44), Buffer.alloc(33).toString('base64')])(
    'refuses the key list %j',
    (list) => {
      expect(() => Keyring.fromBase64(list)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    },
  );
});

describe('trap 10: a stored value that cannot be read is a coded error, never a crash', () => {
  const packed = encode(answer, { compressAbove: 10 });

  it('names a truncated compressed value, wherever it was cut', () => {
    for (let length = 4; length < packed.length; length++) {
      expect(failure(packed.subarray(0, length))).toBe('truncated');
    }
  });

  it('names a damaged compressed value, whichever byte was hit', () => {
    for (let at = 4; at < packed.length; at++) {
      const damaged = Buffer.from(packed);
      damaged[at] = (damaged[at] ?? 0) ^ 0x41;
      expect(['corrupt', 'truncated', 'too_large']).toContain(failure(damaged));
    }
  });

  it('refuses bytes behind the compressed value, and a second frame', () => {
    expect(failure(Buffer.concat([packed, Buffer.from('x')]))).toBe('corrupt');
    expect(failure(Buffer.concat([packed, packed]))).toBe('corrupt');
  });

  it('stops a decompression bomb at the cap, before its memory is taken', () => {
    const bomb = zstdCompressSync(Buffer.alloc(256 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(64 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    expect(failure(bomb, { maxBytes: 1024 * 1024 })).toBe('too_large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    expect(failure(answer, { maxBytes: 100 })).toBe('too_large');
    expect(failure(packed, { maxBytes: answer.length - 1 })).toBe('too_large');
    expect(failure(packed, { maxBytes: answer.length })).toBe('read');
    expect(failure(encode(answer, { keyring }), { keyring, maxBytes: answer.length })).toBe('read');
  });

  it('takes a form of a newer version for unreadable', () => {
    const rest = Buffer.alloc(80);
    expect(failure(Buffer.concat([ENCRYPTED, Buffer.of(2), rest]), { keyring })).toBe('unknown_version');
    expect(failure(Buffer.concat([VERBATIM, Buffer.of(2), rest]))).toBe('unknown_version');
    expect(failure(ENCRYPTED, { keyring })).toBe('truncated');
    expect(failure(VERBATIM)).toBe('truncated');
  });

  it('throws nothing but coded errors, whatever the bytes', () => {
    fc.assert(
      fc.property(awkward, (content) => {
        expect(typeof failure(Buffer.from(content), { keyring, maxBytes: 1000 })).toBe('string');
      }),
      { numRuns: 2000 },
    );
  });

  it('does not open an encrypted value inside an encrypted one', () => {
    const inner = encode(answer, { keyring });
    // A verbatim tag in between makes it a plain value again, which is how `encode` stores such bytes.
    expect(decode(encode(inner, { keyring }), { keyring }).equals(inner)).toBe(true);
  });
});
