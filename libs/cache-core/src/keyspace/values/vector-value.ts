/**
 * An embedding: a JSON array of numbers, or, where nothing is lost by it, four bytes a number.
 *
 * Packed form, version 1: the tag `C1 50 53 56 01`, then little-endian IEEE 754 singles. `C1` occurs in no UTF-8 text, so
 * the first byte tells the forms apart. Providers compute in single precision but print what they have in decimal; a vector is packed
 * only if every number survives the way through a single unchanged.
 */
import { Type } from 'typebox';
import { SchemaCheck } from './schema-check.js';
import { parseStored, unreadable } from './string-values.js';
import type { StringContract } from './value-contract.js';

export const PACKED_VECTOR_TAG = Buffer.from([0xc1, 0x50, 0x53, 0x56, 0x01]);

const BYTES_PER_NUMBER = 4;

export function vector(): StringContract<number[]> {
  const check = new SchemaCheck(Type.Array(Type.Number()));
  return {
    redisType: 'string',
    kind: 'vector',
    schema: check.schema,
    encode(value) {
      check.accept(value);
      return pack(value) ?? Buffer.from(JSON.stringify(value));
    },
    decode(stored) {
      return stored[0] === PACKED_VECTOR_TAG[0] ? unpack(stored) : check.recognise(parseStored(stored));
    },
  };
}

function pack(numbers: readonly number[]): Buffer | undefined {
  if (numbers.length === 0) return undefined;
  const packed = Buffer.allocUnsafe(PACKED_VECTOR_TAG.length + numbers.length * BYTES_PER_NUMBER);
  PACKED_VECTOR_TAG.copy(packed);
  for (let index = 0; index < numbers.length; index++) {
    const value = numbers[index] ?? 0;
    // Object.is: JSON writes -0 as 0, a single keeps it; both forms must mean the same number.
    if (!Object.is(Math.fround(value), value) || Object.is(value, -0)) return undefined;
    packed.writeFloatLE(value, PACKED_VECTOR_TAG.length + index * BYTES_PER_NUMBER);
  }
  return packed;
}

function unpack(stored: Buffer): number[] {
  if (!stored.subarray(0, PACKED_VECTOR_TAG.length).equals(PACKED_VECTOR_TAG)) throw unreadable('unknown vector form');
  const size = stored.length - PACKED_VECTOR_TAG.length;
  if (size === 0 || size % BYTES_PER_NUMBER !== 0) throw unreadable('the packed vector is truncated');
  const numbers: number[] = [];
  for (let at = PACKED_VECTOR_TAG.length; at < stored.length; at += BYTES_PER_NUMBER) {
    const value = stored.readFloatLE(at);
    if (!Number.isFinite(value)) throw unreadable('the packed vector holds what is no number');
    numbers.push(value);
  }
  return numbers;
}
