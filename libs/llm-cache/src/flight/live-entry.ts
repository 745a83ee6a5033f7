/**
 * What a leader tells followers in other processes: how the answer begins, its frames or its JSON, and its end.
 *
 * Positions: 1 is the opening, a batch of frames has that of its last frame (2 for the first frame), the end comes last.
 * So entries may be cut differently when they are sent again, and a follower still knows what it has.
 */
import { LLM_ERROR_STATUS, LlmError, type LlmErrorCode } from '../protocol/llm-error.js';
import { encodeRecording, Recording, type RecordedFrame } from '../stream/recording.js';
import type { Opening } from './broadcast.js';

export type LiveEntry =
  | { readonly kind: 'opening'; readonly opening: Opening }
  | { readonly kind: 'frames'; readonly first: number; readonly frames: readonly RecordedFrame[] }
  /** The provider's JSON answer; a follower makes frames of it itself. */
  | { readonly kind: 'body'; readonly body: Buffer }
  /** `again`: no answer will come this way; ask the cache anew. */
  | { readonly kind: 'end'; readonly error: LlmError | null; readonly again: boolean };

export interface LiveData {
  readonly kind: LiveEntry['kind'];
  readonly data: Buffer;
}

const FIRST_BYTES = 4;

export function encodeEntry(entry: LiveEntry): LiveData {
  return { kind: entry.kind, data: dataOf(entry) };
}

function dataOf(entry: LiveEntry): Buffer {
  if (entry.kind === 'opening') return encodeOpening(entry.opening);
  if (entry.kind === 'body') return entry.body;
  if (entry.kind === 'end') {
    const error = entry.error === null ? null : encodeError(entry.error);
    return Buffer.from(JSON.stringify({ error, again: entry.again }));
  }
  const first = Buffer.allocUnsafe(FIRST_BYTES);
  first.writeUInt32LE(entry.first);
  return Buffer.concat([first, encodeRecording(entry.frames, { usageAsked: false, synthesised: false })]);
}

/** Null for what is not an entry that we read, such as one of a newer process. */
export function decodeEntry(kind: string, data: Buffer): LiveEntry | null {
  switch (kind) {
    case 'opening': {
      const opening = decodeOpening(data);
      return opening === null ? null : { kind, opening };
    }
    case 'frames': {
      const recording = data.length < FIRST_BYTES ? null : Recording.read(data.subarray(FIRST_BYTES));
      if (recording === null) return null;
      return { kind, first: data.readUInt32LE(0), frames: [...recording.recorded()] };
    }
    case 'body':
      return { kind, body: data };
    case 'end': {
      const said = parsedObject(data);
      return said === null ? null : { kind, error: decodeError(said['error']), again: said['again'] === true };
    }
    default:
      return null;
  }
}

function encodeOpening(opening: Opening): Buffer {
  if (opening.kind === 'refused') {
    return Buffer.from(JSON.stringify({ ...opening, body: opening.body.toString('base64') }));
  }
  if (opening.kind === 'failed')
    return Buffer.from(JSON.stringify({ kind: 'failed', error: encodeError(opening.error) }));
  return Buffer.from(JSON.stringify(opening));
}

function decodeOpening(data: Buffer): Opening | null {
  const said = parsedObject(data);
  if (said === null) return null;
  const { kind } = said;
  if (kind === 'again') return { kind };
  if (kind === 'failed') {
    const error = decodeError(said['error']);
    return error === null ? null : { kind, error };
  }
  const status = said['status'];
  const headers = said['headers'];
  if (typeof status !== 'number' || typeof headers !== 'object' || headers === null) return null;
  const answered = { status, headers: headers as Record<string, string> };
  if (kind === 'stream') return { kind, ...answered };
  if (kind === 'json') return { kind, ...answered, streamable: said['streamable'] === true };
  if (kind === 'refused') return { kind, ...answered, body: Buffer.from(String(said['body']), 'base64') };
  return null;
}

function encodeError(error: LlmError): object {
  return { code: error.code, message: error.message, param: error.param, retryAfterSeconds: error.retryAfterSeconds };
}

function decodeError(said: unknown): LlmError | null {
  if (typeof said !== 'object' || said === null) return null;
  const { code, message, retryAfterSeconds } = said as Record<string, unknown>;
  const known =
    typeof code === 'string' && Object.hasOwn(LLM_ERROR_STATUS, code) ? (code as LlmErrorCode) : 'upstream_died';
  const details = typeof retryAfterSeconds === 'number' ? { retryAfterSeconds } : {};
  return new LlmError(known, String(message), details);
}

function parsedObject(data: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null; // of another hand: the caller treats it as unreadable
  }
}
