/**
 * From a completion to the chunks that OpenAI would have streamed, for providers that answer JSON only. Offered only
 * where assembling the chunks gives the completion back.
 */
import { isDeepStrictEqual } from 'node:util';
import { NO_CUT, type RecordedFrame } from '../../stream/recording.js';
import type { JsonObject } from '../protocol.js';
import { ChatAssembler, DONE, parsed } from './assemble.js';
import { isObject } from './request.js';

/** A long text becomes at most so many chunks. */
const MAX_PIECES = 1000;

export function synthesiseChat(answer: Buffer): RecordedFrame[] | null {
  const completion = parsed(answer.toString('utf8'));
  if (!isObject(completion) || !Array.isArray(completion['choices'])) return null;
  const chunks = chunksOf(completion, completion['choices']);
  if (chunks === null) return null;
  const frames = [...chunks.map(frameOf), { raw: Buffer.from(`data: ${DONE}\n\n`), afterMicros: 0, cut: NO_CUT }];
  return readsBack(completion, frames) ? frames : null;
}

function chunksOf(completion: JsonObject, choices: unknown[]): JsonObject[] | null {
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
      object: 'chat.completion.chunk',
      created,
      model,
      ...steady,
      ...(chunks.length === 0 ? once : {}),
      choices: parts,
      ...(hasUsage ? { usage: usageOfChunk } : {}),
    });
  };
  for (const choice of choices) {
    if (!isObject(choice) || !isObject(choice['message'])) return null;
    const { index, message, logprobs, finish_reason: finishReason, ...others } = choice;
    const deltas = deltasOf(message);
    const spoken = deltas.findIndex((delta) => typeof delta['content'] === 'string' && delta['content'] !== '');
    const probed = logprobs === undefined || logprobs === null ? -1 : Math.max(spoken, 0);
    for (const [at, delta] of deltas.entries()) {
      add([{ index, delta, logprobs: at === probed ? logprobs : null, finish_reason: null }], null);
    }
    add([{ index, delta: {}, logprobs: null, finish_reason: finishReason, ...others }], null);
  }
  if (hasUsage) add([], usage);
  return chunks;
}

function deltasOf(message: JsonObject): JsonObject[] {
  const { role, content, refusal, tool_calls: toolCalls, ...others } = message;
  const deltas: JsonObject[] = [{ role, content: opening(content), refusal: opening(refusal) }];
  for (const [name, value] of Object.entries(others)) {
    if (typeof value === 'string' && value !== '' && name.startsWith('reasoning'))
      deltas.push(...pieces(value).map((piece) => ({ [name]: piece })));
    else deltas.push({ [name]: value });
  }
  if (typeof content === 'string') deltas.push(...pieces(content).map((piece) => ({ content: piece })));
  if (typeof refusal === 'string') deltas.push(...pieces(refusal).map((piece) => ({ refusal: piece })));
  if (Array.isArray(toolCalls)) {
    if (toolCalls.length === 0) deltas.push({ tool_calls: [] });
    for (const [index, call] of (toolCalls as unknown[]).entries()) deltas.push(...toolCallDeltas(index, call));
  } else if (toolCalls !== undefined) {
    deltas.push({ tool_calls: toolCalls });
  }
  return deltas;
}

/** Streams begin a text with an empty one, so that its reader knows that it is a text. */
function opening(value: unknown): unknown {
  return typeof value === 'string' ? '' : (value ?? null);
}

function toolCallDeltas(index: number, call: unknown): JsonObject[] {
  if (!isObject(call)) return [{ tool_calls: [call] }];
  const called = call['function'];
  if (!isObject(called) || typeof called['arguments'] !== 'string') return [{ tool_calls: [{ ...call, index }] }];
  return [
    { tool_calls: [{ ...call, index, function: { ...called, arguments: '' } }] },
    ...pieces(called['arguments']).map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ];
}

/** Cuts before white space, so that no character is ever divided; joined, the pieces are the text. */
function pieces(text: string): string[] {
  const words = text.match(/\s*\S+|\s+$/g) ?? [];
  if (words.length <= MAX_PIECES) return words;
  const perPiece = Math.ceil(words.length / MAX_PIECES);
  const grouped: string[] = [];
  for (let at = 0; at < words.length; at += perPiece) grouped.push(words.slice(at, at + perPiece).join(''));
  return grouped;
}

const USAGE_NULL = ',"usage":null';

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

function readsBack(completion: JsonObject, frames: readonly RecordedFrame[]): boolean {
  const assembler = new ChatAssembler();
  for (const { raw } of frames) assembler.push(raw);
  const { json } = assembler.finish();
  return json !== null && isDeepStrictEqual(explicit(parsed(json.toString('utf8'))), explicit(completion));
}

/** Says what OpenAI's schema lets a provider leave unsaid, so that only real differences count. */
function explicit(completion: unknown): unknown {
  if (!isObject(completion) || !Array.isArray(completion['choices'])) return completion;
  const { usage, ...rest } = completion;
  return {
    object: 'chat.completion',
    ...rest,
    ...(usage === null || usage === undefined ? {} : { usage }),
    choices: (completion['choices'] as JsonObject[]).map((choice) => ({
      logprobs: null,
      ...choice,
      message: explicitMessage(choice['message'] as JsonObject),
    })),
  };
}

function explicitMessage(message: JsonObject): JsonObject {
  const calls = message['tool_calls'];
  const said = { role: 'assistant', content: null, refusal: null, ...message };
  if (!Array.isArray(calls)) return said;
  return {
    ...said,
    tool_calls: calls.map((call: unknown) =>
      isObject(call) ? Object.fromEntries(Object.entries(call).filter(([name]) => name !== 'index')) : call,
    ),
  };
}
