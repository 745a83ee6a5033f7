/** The body of an answer: unpacked, collected, or only its beginning. */
import { pipeline, Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { LlmError } from '../protocol/llm-error.js';

/** The bytes as they were before the provider compressed them. To be ended with `return` where they are not read to their end. */
export function unpacked(
  bytes: AsyncIterableIterator<Buffer, undefined>,
  encoding: string | undefined,
): AsyncIterator<Buffer, undefined> {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return bytes;
  const unpacker = unpackerFor(name);
  if (unpacker === null) {
    throw new LlmError(
      'upstream_invalid_response',
      'The provider compressed its answer in a way that was not asked for.',
    );
  }
  // A fault on either side destroys the other; the reader meets it as an error of the unpacker.
  return pipeline(Readable.from(bytes), unpacker, thrownWhereRead).iterator() as AsyncIterator<Buffer, undefined>;
}

function unpackerFor(encoding: string): (NodeJS.ReadWriteStream & Readable) | null {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    default:
      return null;
  }
}

/** `pipeline` wants a listener; the error itself reaches whoever reads the bytes. */
function thrownWhereRead(): void {}

/** Reads a whole body, without its byte order mark; throws when it is longer than it may be. */
export async function collect(bytes: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new LlmError(
        'upstream_too_large',
        `The provider's answer is larger than the ${maxBytes} bytes that are passed on in one piece.`,
      );
    }
    chunks.push(chunk);
  }
  return withoutMark(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
}

/** The first bytes of a body; the rest is not waited for. */
export async function upTo(bytes: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= maxBytes) break;
  }
  return withoutMark(Buffer.concat(chunks)).subarray(0, maxBytes);
}

const MARK = Buffer.from('\ufeff');

/** JSON readers over HTTP pass over it (WHATWG Fetch: "UTF-8 decode"); inside other JSON, where answers are kept, nobody does. */
function withoutMark(body: Buffer): Buffer {
  return body.subarray(0, MARK.length).equals(MARK) ? body.subarray(MARK.length) : body;
}
