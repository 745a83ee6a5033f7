/** How an entry is read: as JSON or as a recorded stream, each from a key of its own, without parsing either. */
import { companions, keyspace, type Entry, type EntryLabels, type Hit, type Reading } from '@promptsales/cache-core';
import { decodeNote, type AnswerNote } from '../stored/answer-note.js';
import { sliceResponse } from '../stored/stored-answer.js';
import { Recording } from '../stream/recording.js';
import type { Inquiry } from './inquiry.js';

/** `note`: null where it is of another version or of another hand. */
export type StoredForm = { readonly note: AnswerNote | null } & (
  { readonly kind: 'json'; readonly bytes: Buffer } | { readonly kind: 'recording'; readonly recording: Recording }
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
  return inquiry.facts.stream ? recordingOf(inquiry) : jsonOf(inquiry);
}

/** Both forms. */
export function readingsOf(inquiry: Inquiry): readonly Reading<StoredForm>[] {
  return [jsonOf(inquiry), recordingOf(inquiry)];
}

/** The JSON form, whatever is asked for. */
export function jsonOf(inquiry: Inquiry): Reading<StoredForm> {
  return { ...entryOf(inquiry), decode: jsonIn };
}

function recordingOf(inquiry: Inquiry): Reading<StoredForm> {
  return { ...entryOf(inquiry), part: companions.frames, decode: recordingIn };
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

function recordingIn([value]: readonly Buffer[], note: string): StoredForm {
  const recording = value === undefined ? null : Recording.read(value);
  if (recording === null) throw new UnreadableAnswer();
  return { kind: 'recording', recording, note: decodeNote(note) };
}

/** The note of an entry that can answer the request in its form; null when it cannot. */
export function usableNote({ facts }: Inquiry, { value }: Hit<StoredForm>): AnswerNote | null {
  const { note } = value;
  if (note === null) return null;
  if (value.kind === 'json') return note.hasJson ? note : null;
  return facts.usageAsked && !value.recording.usageAsked ? null : note;
}
