/**
 * From a completion to the chunks that OpenAI would have streamed, for providers that answer JSON only. Offered only
 * where assembling the chunks gives the completion back.
 */
import { isDeepStrictEqual } from 'node:util';
import { NO_CUT, type RecordedFrame } from '../../stream/recording.js';
import { faithfulObject } from '../faithful-json.js';
import { isObject, parsed } from '../json-object.js';
import type { Assembler, JsonObject } from '../protocol.js';
import { DONE } from './choice-assembler.js';

const USAGE_NULL = ',"usage":null';

/** How one protocol streams its choices. */
export interface ChoiceStreaming {
  /** Of a chunk: `chat.completion.chunk` */
  readonly object: string;
  /** What the chunks say of a choice, one after the other; null for what is no choice. */
  partsOf(choice: JsonObject): JsonObject[] | null;
  assembler(): Assembler;
  /** Says what the schema lets a provider leave unsaid, so that only real differences count. */
  explicit(completion: JsonObject): unknown;
}

export function synthesise(answer: Buffer, streaming: ChoiceStreaming): RecordedFrame[] | null {
  const completion = faithfulObject(answer);
  if (completion === null || !Array.isArray(completion['choices'])) return null;
  const chunks = chunksOf(completion, completion['choices'], streaming);
  if (chunks === null) return null;
  const frames = [...chunks.map(frameOf), { raw: Buffer.from(`data: ${DONE}\n\n`), afterMicros: 0, cut: NO_CUT }];
  return readsBack(completion, frames, streaming) ? frames : null;
}

function chunksOf(completion: JsonObject, choices: unknown[], streaming: ChoiceStreaming): JsonObject[] | null {
  const { id, created, model, usage, ...rest } = completion;
  delete rest['choices'];
  delete rest['object'];
  const hasUsage = usage !== undefined && usage !== null;
  const steady = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => typeof value !== 'object' || value === null),
  );
  const once = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => typeof value === 'object' && value !== null),
  );
  const chunks: JsonObject[] = [];
  const add = (parts: unknown[], usageOfChunk: unknown): void => {
    chunks.push({
      id,
      object: streaming.object,
      created,
      model,
      ...steady,
      ...(chunks.length === 0 ? once : {}),
      choices: parts,
      ...(hasUsage ? { usage: usageOfChunk } : {}),
    });
  };
  for (const choice of choices) {
    const parts = isObject(choice) ? streaming.partsOf(choice) : null;
    if (parts === null) return null;
    for (const part of parts) add([part], null);
  }
  if (hasUsage) add([], usage);
  return chunks;
}

function frameOf(chunk: JsonObject): RecordedFrame {
  const raw = Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
  if (!('usage' in chunk)) return { raw, afterMicros: 0, cut: NO_CUT };
  if (chunk['usage'] !== null) return { raw, afterMicros: 0, cut: { from: 0, length: raw.length } };
  // `usage` was put last, so that its place is known without searching.
  return {
    raw,
    afterMicros: 0,
    cut: { from: raw.length - '}\n\n'.length - USAGE_NULL.length, length: USAGE_NULL.length },
  };
}

function readsBack(completion: JsonObject, frames: readonly RecordedFrame[], streaming: ChoiceStreaming): boolean {
  const assembler = streaming.assembler();
  for (const { raw } of frames) assembler.push(raw);
  const { json } = assembler.finish();
  const read = json === null ? null : parsed(json.toString('utf8'));
  return isObject(read) && isDeepStrictEqual(said(read, streaming), said(completion, streaming));
}

/** A usage that is null is one that is not there. */
function said({ usage, ...completion }: JsonObject, streaming: ChoiceStreaming): unknown {
  return streaming.explicit(usage === null || usage === undefined ? completion : { ...completion, usage });
}
