import { crc32 } from 'node:zlib';

/**
 * Ties a sidecar to the value it was written with: length and CRC-32 of the stored bytes, eleven or so characters. It finds accidents (a
 * value that somebody overwrote, a sidecar that outlived its value), not forgers: who can write to Redis can write both.
 */
export function fingerprint(stored: Buffer | string): string {
  const length = typeof stored === 'string' ? Buffer.byteLength(stored) : stored.length;
  return `${length.toString(36)}-${crc32(stored).toString(36)}`;
}
