import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ConformanceCase } from './conformance-case.js';

/** A codec under test: what lies between a value's bytes and what is stored of it. */
export interface CodecSubject {
  encode(bytes: Buffer): Buffer;
  /** Gives the value's bytes, or throws a refusal. */
  decode(stored: Buffer): Buffer;
  /** Whether an error says that the stored bytes cannot be read: the cache takes that for a miss. */
  isRefusal(error: unknown): boolean;
}

/** What a codec must do so that nothing that lies in Redis can be more than a miss. */
export function codecConformance(codec: CodecSubject): ConformanceCase[] {
  const conforms = (name: string, work: () => void): ConformanceCase => ({ name, run: async () => work() });
  return [
    conforms('gives back every sequence of bytes', () => {
      for (const bytes of SEQUENCES) assertSame(codec.decode(codec.encode(bytes)), bytes);
    }),
    conforms('gives back what looks like its own output', () => {
      for (const bytes of SEQUENCES) {
        const once = codec.encode(bytes);
        assertSame(codec.decode(codec.encode(once)), once);
      }
    }),
    conforms('leaves what it is given as it was', () => {
      for (const bytes of SEQUENCES) {
        const before = Buffer.from(bytes);
        const stored = codec.encode(bytes);
        const storedBefore = Buffer.from(stored);
        codec.decode(stored);
        assertSame(bytes, before);
        assertSame(stored, storedBefore);
      }
    }),
    conforms('reads or refuses what was cut off, and throws nothing else', () => {
      for (const bytes of SEQUENCES) {
        const stored = codec.encode(bytes);
        for (const length of cuts(stored.length)) readsOrRefuses(codec, stored.subarray(0, length));
      }
    }),
    conforms('reads or refuses what was changed on the way, and throws nothing else', () => {
      for (const bytes of SEQUENCES) {
        const stored = codec.encode(bytes);
        for (const at of cuts(stored.length)) {
          const changed = Buffer.from(stored);
          changed[at] = (changed[at] as number) ^ 0x81;
          readsOrRefuses(codec, changed);
        }
      }
    }),
    conforms('reads or refuses what others have written, and throws nothing else', () => {
      for (const bytes of SEQUENCES) readsOrRefuses(codec, bytes);
    }),
  ];
}

/** Empty, single, textual, long, and what begins as compressed or encrypted bytes do. */
const SEQUENCES: readonly Buffer[] = [
  Buffer.alloc(0),
  ...[0, 0x0a, 0x22, 0x28, 0x7b, 0x80, 0xb5, 0xff].map((byte) => Buffer.of(byte)),
  Buffer.from('{"a":[1,2,null],"é":"\\u0000"}'),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 1, 2]),
  Buffer.from([0x1f, 0x8b, 8, 0]),
  Buffer.from('a'.repeat(100_000)),
  ...[1, 15, 16, 17, 1024, 70_000].map(arbitrary),
];

/** Bytes that no compression helps with, the same in every run. */
function arbitrary(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    createHash('sha256').update(`${length} ${at}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** The first and last places, and some between. */
function cuts(length: number): number[] {
  const places = [0, 1, 2, 3, 4, 8, 12, 16, 32, length >> 1, length - 16, length - 2, length - 1];
  return [...new Set(places)].filter((at) => at >= 0 && at < length);
}

function readsOrRefuses(codec: CodecSubject, stored: Buffer): void {
  try {
    assert.ok(Buffer.isBuffer(codec.decode(stored)), 'what is read is a Buffer');
  } catch (error) {
    if (!codec.isRefusal(error)) throw error;
  }
}

function assertSame(actual: Buffer, expected: Buffer): void {
  assert.ok(actual.equals(expected), `${expected.length} bytes came back as ${actual.length} others`);
}
