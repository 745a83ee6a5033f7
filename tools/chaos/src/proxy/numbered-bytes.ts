/** A long body that costs next to nothing to make and to check: blocks of noise that each begin with their number. */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const BLOCK_BYTES = 64 * 1024;
const NOISE = randomBytes(BLOCK_BYTES);

/** @param length a whole number of blocks, or the last one is cut off */
export function* numberedBytes(length: number): Generator<Buffer, void, undefined> {
  for (let at = 0, block = 0; at < length; at += BLOCK_BYTES, block += 1) {
    const bytes = Buffer.from(NOISE);
    bytes.writeBigUInt64BE(BigInt(block));
    yield at + BLOCK_BYTES <= length ? bytes : bytes.subarray(0, length - at);
  }
}

/** What is the same on both ends when no byte was lost, doubled, changed or moved. */
export class Sum {
  bytes = 0;
  #crc = 0;

  add(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    this.#crc = crc32(chunk, this.#crc);
  }

  /** Length and CRC-32. */
  get text(): string {
    return `${this.bytes}-${this.#crc.toString(16).padStart(8, '0')}`;
  }
}
