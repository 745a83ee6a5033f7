import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { CodecError } from './codec-error.js';

/** A compressed form must be smaller by this share, or the time to undo it is spent for nothing. */
const LEAST_GAIN = 1 / 16;

/**
 * Up to so many bytes a value is compressed with more care: 3 % of 10 kB of JSON for 0.1 ms more, once for as long as it is kept.
 * Further levels take twice as long for another half of a percent. Above, zstd's own default, which takes a quarter of the
 * time: there it is milliseconds in which nobody else is served. See docs/decisions/0207.
 */
const SMALL_BYTES = 32 * 1024;
const [SMALL, LARGE] = [6, 3].map((level) => ({
  params: {
    [constants.ZSTD_c_compressionLevel]: level,
    // Four bytes that turn silent corruption into a miss.
    [constants.ZSTD_c_checksumFlag]: 1,
  },
}));

/** Memory of one decompression: a frame that asks for a larger window than 32 MiB is refused. Ours use at most 2 MiB. */
const LARGEST_WINDOW_LOG = 25;

/** The zstd form, or `undefined` where it gains too little. */
export function compress(bytes: Buffer): Buffer | undefined {
  const compressed = zstdCompressSync(bytes, bytes.length <= SMALL_BYTES ? SMALL : LARGE);
  return compressed.length <= bytes.length * (1 - LEAST_GAIN) ? compressed : undefined;
}

export function decompress(bytes: Buffer, maxBytes: number): Buffer {
  try {
    // `info` tells how much was read: Node stops silently after the first frame.
    const { buffer, engine } = zstdDecompressSync(bytes, {
      info: true,
      maxOutputLength: maxBytes,
      params: { [constants.ZSTD_d_windowLogMax]: LARGEST_WINDOW_LOG },
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (engine.bytesWritten !== bytes.length) throw new CodecError('corrupt', 'bytes follow the end of the zstd frame');
    return buffer;
  } catch (error) {
    throw error instanceof CodecError ? error : decompressionError(error, maxBytes);
  }
}

function decompressionError(error: unknown, maxBytes: number): CodecError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return new CodecError(
      'too_large',
      `the zstd frame holds more than ${maxBytes} bytes or wants too large a window`,
      error,
    );
  }
  if (code === 'Z_BUF_ERROR') return new CodecError('truncated', 'the zstd frame ends too early', error);
  return new CodecError('corrupt', 'the zstd frame is damaged', error);
}
