/**
 * Between a value's bytes and what lies in Redis. Reading needs no knowledge of how a value was written: each stored value says it itself
 * (see `tags.ts`), so thresholds, keys and settings may change at any time and differ between processes.
 *
 * Order: compress, then encrypt. An encrypted value holds a plain, compressed or verbatim one, never another encrypted one.
 */
import { CodecError } from './codec-error.js';
import { compress, decompress } from './compression.js';
import { decrypt, encrypt } from './encryption.js';
import type { Keyring } from './keyring.js';
import { formOf, TAG_AND_VERSION_BYTES, TAG_BYTES, VERBATIM } from './tags.js';

export interface EncodeOptions {
  /** Values above so many bytes are compressed, if that makes them smaller. Absent: never. */
  readonly compressAbove?: number;
  /** Given: the value is encrypted. */
  readonly keyring?: Keyring;
  /** What the encrypted value is bound to: the Redis key. */
  readonly aad?: string;
}

export interface DecodeOptions {
  readonly keyring?: Keyring;
  readonly aad?: string;
  /** The most bytes that the value may have when it is unpacked. Default: 64 MiB. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 64 * 1024 * 1024;
const VERBATIM_VERSION = 1;
/** What tags, key id, nonce and authentication tag may add to a value of the greatest size. */
const ENVELOPE_BYTES = 64;

export function encode(bytes: Buffer, how: EncodeOptions = {}): Buffer {
  const small = how.compressAbove !== undefined && bytes.length > how.compressAbove ? compress(bytes) : undefined;
  const packed =
    small ?? (formOf(bytes) === 'plain' ? bytes : Buffer.concat([VERBATIM, Buffer.of(VERBATIM_VERSION), bytes]));
  return how.keyring === undefined ? packed : encrypt(packed, how.keyring, how.aad ?? '');
}

/** Throws `CodecError`, and nothing else, for whatever cannot be read. The result may share memory with `stored`. */
export function decode(stored: Buffer, how: DecodeOptions = {}): Buffer {
  const maxBytes = how.maxBytes ?? MAX_BYTES;
  if (stored.length > maxBytes + ENVELOPE_BYTES) throw tooLarge(stored.length, maxBytes);
  if (formOf(stored) !== 'encrypted') return unpack(stored, maxBytes);
  const packed = decrypt(stored, how.keyring, how.aad ?? '');
  if (formOf(packed) === 'encrypted') throw new CodecError('corrupt', 'an encrypted value holds another encrypted one');
  return unpack(packed, maxBytes);
}

function unpack(packed: Buffer, maxBytes: number): Buffer {
  switch (formOf(packed)) {
    case 'zstd':
      return decompress(packed, maxBytes);
    case 'verbatim':
      return bounded(verbatim(packed), maxBytes);
    default:
      return bounded(packed, maxBytes);
  }
}

function bounded(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes);
  return bytes;
}

function tooLarge(length: number, maxBytes: number): CodecError {
  return new CodecError('too_large', `${length} bytes are more than the ${maxBytes} that are read`);
}

function verbatim(packed: Buffer): Buffer {
  const version = packed[TAG_BYTES];
  if (version === undefined) throw new CodecError('truncated', 'the value ends inside its tag');
  if (version !== VERBATIM_VERSION) throw new CodecError('unknown_version', `verbatim form ${version} is not known`);
  return packed.subarray(TAG_AND_VERSION_BYTES);
}
