import { EventFrames, type EventFrame } from '../json-rpc/event-frames.js';
import { serverMessage, type JsonObject } from '../json-rpc/message.js';
import { UpstreamError } from '../upstream/upstream.js';

/** The stream as it came, byte for byte; each message is heeded before the bytes that carry it are passed on. */
export async function* inspected(
  body: AsyncIterable<Buffer>,
  heed: (message: JsonObject) => Promise<void>,
): AsyncGenerator<Buffer> {
  for await (const { bytes, message } of framesOf(body)) {
    if (message !== null) await heed(message);
    yield bytes;
  }
}

/** A stream of which the beginning has been read already. */
export async function* resumed(
  read: readonly Buffer[],
  frames: AsyncIterable<MessageFrame>,
  heed: (message: JsonObject) => Promise<void>,
): AsyncGenerator<Buffer> {
  yield* read;
  for await (const { bytes, message } of frames) {
    if (message !== null) await heed(message);
    yield bytes;
  }
}

/**
 * Does the work when the stream has ended, and when its reader has left, be it before he began to read.
 * @param failed told why it could not be done when nobody reads who could be told
 */
export function afterwards(
  stream: AsyncIterable<Buffer>,
  work: () => Promise<void>,
  left: AbortSignal,
  failed: (error: unknown) => void,
): AsyncIterable<Buffer> {
  let done: Promise<void> | undefined;
  const finish = (): Promise<void> => (done ??= work());
  const leave = (): void => void finish().catch(failed);
  if (left.aborted) leave();
  else left.addEventListener('abort', leave, { once: true });
  return (async function* () {
    try {
      yield* stream;
    } finally {
      await finish();
    }
  })();
}

export interface MessageFrame {
  readonly bytes: Buffer;
  readonly text: string | null;
  readonly message: JsonObject | null;
  readonly named: boolean;
}

export async function* framesOf(body: AsyncIterable<Buffer>): AsyncGenerator<MessageFrame> {
  const frames = new EventFrames();
  for await (const chunk of body) {
    for (const { bytes, data, named } of pushed(frames, chunk)) {
      yield { bytes, text: data, message: data === null ? null : serverMessage(data), named };
    }
  }
  // What a server sent of a frame before it broke off.
  if (frames.rest.length > 0) yield { bytes: frames.rest, text: null, message: null, named: false };
}

/** @throws UpstreamError */
function pushed(frames: EventFrames, chunk: Buffer): readonly EventFrame[] {
  try {
    return frames.push(chunk);
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(error);
    throw error;
  }
}

/** An answer of which nothing is read before it is whole: the work is done when the server has ended it, and its end is told then. */
export async function* heldUntil(body: AsyncIterable<Buffer>, work: () => Promise<void>): AsyncGenerator<Buffer> {
  let last: Buffer | null = null;
  for await (const chunk of body) {
    if (last !== null) yield last;
    last = chunk;
  }
  await work();
  if (last !== null) yield last;
}

function tooLarge(cause?: unknown): UpstreamError {
  return new UpstreamError('upstream_too_large', 'The answer of the MCP server is too large.', { cause });
}

export async function bytesOf(body: AsyncIterable<Buffer>, atMost: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > atMost) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function isEventStream(headers: Readonly<Record<string, string>>): boolean {
  return /^text\/event-stream\b/i.test(headers['content-type'] ?? '');
}
