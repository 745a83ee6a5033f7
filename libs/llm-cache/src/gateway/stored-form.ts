/**
 * How an entry is read: as JSON, which is its value, or as a stream. A stream was recorded as it came and lies beside the
 * value; of an answer that came as JSON it is made anew. Neither form is parsed, but for that.
 */
import { companions, keyspace, type Entry, type EntryLabels, type Hit, type Reading } from '@promptsales/cache-core';
import { decodeNote, type AnswerNote } from '../stored/answer-note.js';
import { sliceResponse } from '../stored/stored-answer.js';
import type { Protocol } from '../protocol/protocol.js';
import { readRecording } from '../stream/packed/packed-recording.js';
import { encodeRecording, Recording } from '../stream/recording.js';
import type { Inquiry } from './inquiry.js';

/** `note`: null where it is of another version or of another hand. */
export type StoredForm = { readonly note: AnswerNote | null } & (
  | { readonly kind: 'json'; readonly bytes: Buffer }
  | { readonly kind: 'recording'; readonly recording: Recording }
  /** JSON, where a stream was asked for and none can be made of it. */
  | { readonly kind: 'unstreamable'; readonly bytes: Buffer }
);

/** Reads as a miss: see `Reading.decode`. */
class UnreadableAnswer extends Error {
  readonly code = 'unreadable_answer';
  constructor() {
    super('What is stored is no answer of a version that this process reads.');
    this.name = 'UnreadableAnswer';
  }
}

const PARTS = [companions.frames] as const;

/** The form that is asked for. */
export function readingOf(inquiry: Inquiry): Reading<StoredForm> {
  return inquiry.facts.stream ? streamedOf(inquiry) : jsonOf(inquiry);
}

/** Both forms. */
export function readingsOf(inquiry: Inquiry): readonly Reading<StoredForm>[] {
  return [jsonOf(inquiry), streamedOf(inquiry)];
}

/** The JSON form, whatever is asked for. */
export function jsonOf(inquiry: Inquiry): Reading<StoredForm> {
  return { ...entryOf(inquiry), decode: jsonIn };
}

function streamedOf(inquiry: Inquiry): Reading<StoredForm> {
  return { ...entryOf(inquiry), part: companions.frames, decode: streamDecoderOf(inquiry.protocol) };
}

function entryOf({ hash, tenant, controls }: Inquiry): Entry {
  return { ref: keyspace.llmResponse.at({ hash }, tenant), labels: labelsOf(controls), parts: PARTS };
}

/** What the answer can be invalidated by. The namespace is part of its identity as well. */
export function labelsOf({ namespace, tags }: Inquiry['controls']): EntryLabels {
  return namespace === '' ? { tags } : { namespace, tags };
}

function jsonIn([value]: readonly Buffer[], note: string): StoredForm {
  const bytes = value === undefined ? null : sliceResponse(value);
  if (bytes === null) throw new UnreadableAnswer();
  return { kind: 'json', bytes, note: decodeNote(note) };
}

type Decode = Reading<StoredForm>['decode'];

/** One function for each protocol: by it the process's own memory knows how a stream was made. */
const streamDecoders = new WeakMap<Protocol, Decode>();

function streamDecoderOf(protocol: Protocol): Decode {
  let decoder = streamDecoders.get(protocol);
  if (decoder === undefined)
    streamDecoders.set(protocol, (decoder = (stored, note) => streamIn(stored, note, protocol)));
  return decoder;
}

function streamIn([value, frames]: readonly Buffer[], text: string, protocol: Protocol): StoredForm {
  const bytes = value === undefined ? null : sliceResponse(value);
  if (bytes === null) throw new UnreadableAnswer();
  const note = decodeNote(text);
  const recording = frames === undefined ? streamOf(bytes, protocol) : readRecording(frames, bytes);
  if (recording !== null) return { kind: 'recording', recording, note };
  if (frames !== undefined) throw new UnreadableAnswer();
  return { kind: 'unstreamable', bytes, note };
}

/** The events that the provider would have sent, had he streamed. */
function streamOf(answer: Buffer, protocol: Protocol): Recording | null {
  const frames = protocol.synthesise(answer);
  return frames === null ? null : Recording.read(encodeRecording(frames, { usageAsked: true, synthesised: true }));
}

/** The note of an entry that can answer the request in its form; null when it cannot. */
export function usableNote({ facts }: Inquiry, { value }: Hit<StoredForm>): AnswerNote | null {
  const { note } = value;
  if (note === null) return null;
  if (value.kind === 'unstreamable') return null;
  if (value.kind === 'json') return note.hasJson ? note : null;
  return facts.usageAsked && !value.recording.usageAsked ? null : note;
}
