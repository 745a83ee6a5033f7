import { companions, type Companion, type Filling } from '@promptsales/cache-core';
import type { WholeAnswer } from '../protocol/protocol.js';
import { encodeNote } from '../stored/answer-note.js';
import { encodeStoredAnswer, sliceResponse } from '../stored/stored-answer.js';
import { packRecording } from '../stream/packed/packed-recording.js';

/** How the answer to a request is to be kept. */
export interface Keeping {
  readonly policyAllows: boolean;
  readonly noStore: boolean;
  readonly ttlSeconds: number | null;
  readonly tags: readonly string[];
}

export interface AnswerParts {
  readonly whole: WholeAnswer;
  /** Null where nothing was streamed: who wants the answer so gets a stream that is made of its JSON. */
  readonly recording: Buffer | null;
  readonly usageAsked: boolean;
  /** What it took to get the answer. */
  readonly loadCostMs: number;
}

/** The entry: JSON as its value, the recorded stream beside it, and what hits must know in the note. */
export function fillingOf({ whole, recording, usageAsked, loadCostMs }: AnswerParts, keeping: Keeping): Filling {
  const { facts, json } = whole;
  const timestamp = new Date().toISOString();
  const stored = { model: facts.model, tokens: tokensOf(whole), timestamp, tags: keeping.tags };
  const value = encodeStoredAnswer(json, stored);
  const parts = new Map<Companion, Buffer>();
  if (recording !== null) parts.set(companions.frames, packRecording(recording, sliceResponse(value) as Buffer));
  return {
    stored: [value],
    parts,
    note: encodeNote({
      hasJson: json !== null,
      hasFrames: recording !== null,
      framesHaveUsage: recording !== null && usageAsked,
      facts,
    }),
    loadCostMs,
    ...ttlOf(whole, keeping),
  };
}

/** Nothing is kept for longer than it is of use. */
function ttlOf({ keepSeconds }: WholeAnswer, { ttlSeconds }: Keeping): Pick<Filling, 'ttlSeconds'> {
  const seconds = Math.min(ttlSeconds ?? Number.POSITIVE_INFINITY, keepSeconds ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(seconds) ? { ttlSeconds: seconds } : {};
}

/** In and out together; unknown where one of them is. */
function tokensOf({ facts: { usage } }: WholeAnswer): number | null {
  if (usage === null || usage.inputTokens === null || usage.outputTokens === null) return null;
  return usage.inputTokens + usage.outputTokens;
}
