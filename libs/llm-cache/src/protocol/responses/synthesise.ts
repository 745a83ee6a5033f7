/**
 * From a response to the events that OpenAI would have streamed, for providers that answer JSON only. Offered only where
 * both kinds of reader get the response back: those who wait for the last event, and those who collect the pieces.
 */
import { isDeepStrictEqual } from 'node:util';
import { NO_CUT, type RecordedFrame } from '../../stream/recording.js';
import { faithfulObject } from '../faithful-json.js';
import { isObject, parsed } from '../json-object.js';
import { pieces } from '../pieces.js';
import type { JsonObject } from '../protocol.js';
import { ResponseAssembler } from './assemble.js';
import { readPieces } from './read-pieces.js';

type Event = JsonObject & { readonly type: string };

const ENDS: ReadonlySet<unknown> = new Set(['completed', 'failed', 'incomplete']);

export function synthesiseResponse(answer: Buffer): RecordedFrame[] | null {
  const response = faithfulObject(answer);
  if (response === null || !ENDS.has(response['status']) || !Array.isArray(response['output'])) return null;
  const output = response['output'] as unknown[];
  if (!output.every(isObject)) return null;
  const frames = eventsOf(response, output).map(frameOf);
  return readsBack(response, output, frames) ? frames : null;
}

function eventsOf(response: JsonObject, output: readonly JsonObject[]): Event[] {
  const begun = { ...response, status: 'in_progress', output: [], error: null, incomplete_details: null, usage: null };
  return [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...output.flatMap((item, index) => itemEvents(item).map((event) => ({ ...event, output_index: index }))),
    { type: `response.${String(response['status'])}`, response },
  ];
}

function itemEvents(item: JsonObject): Event[] {
  const { id: itemId } = item;
  const details = detailsOf(item).map((event) => ({ ...event, item_id: itemId }));
  return [
    { type: 'response.output_item.added', item: begunItem(item) },
    ...details,
    { type: 'response.output_item.done', item },
  ];
}

function begunItem(item: JsonObject): JsonObject {
  const status = 'status' in item ? { status: 'in_progress' } : {};
  if (item['type'] === 'message') return { ...item, ...status, content: [] };
  if (item['type'] === 'reasoning') {
    return { ...item, ...status, summary: [], ...(Array.isArray(item['content']) ? { content: [] } : {}) };
  }
  if (typeof item['arguments'] === 'string') return { ...item, ...status, arguments: '' };
  if (typeof item['input'] === 'string') return { ...item, ...status, input: '' };
  return item;
}

function detailsOf(item: JsonObject): Event[] {
  if (item['type'] === 'message' || item['type'] === 'reasoning') {
    return [...partsOf(item['summary'], summaryEvents), ...partsOf(item['content'], contentEvents)];
  }
  if (typeof item['arguments'] === 'string') {
    const { name, arguments: text } = item;
    return textEvents('response.function_call_arguments', text, { arguments: text, name });
  }
  if (typeof item['input'] === 'string') {
    return textEvents('response.custom_tool_call_input', item['input'], { input: item['input'] });
  }
  return [];
}

function partsOf(parts: unknown, events: (part: JsonObject, index: number) => Event[]): Event[] {
  if (!Array.isArray(parts)) return [];
  return (parts as unknown[]).flatMap((part, index) => (isObject(part) ? events(part, index) : []));
}

function summaryEvents(part: JsonObject, index: number): Event[] {
  const at = { summary_index: index };
  return [
    { type: 'response.reasoning_summary_part.added', ...at, part: { ...part, text: '' } },
    ...textEvents('response.reasoning_summary_text', textOf(part, 'text'), { text: part['text'] }, at),
    { type: 'response.reasoning_summary_part.done', ...at, part },
  ];
}

function contentEvents(part: JsonObject, index: number): Event[] {
  const at = { content_index: index };
  return [
    { type: 'response.content_part.added', ...at, part: begunPart(part) },
    ...spokenEvents(part, at),
    { type: 'response.content_part.done', ...at, part },
  ];
}

function begunPart(part: JsonObject): JsonObject {
  if (part['type'] === 'refusal') return { ...part, refusal: '' };
  const annotations = Array.isArray(part['annotations']) ? { annotations: [] } : {};
  return typeof part['text'] === 'string' ? { ...part, text: '', ...annotations } : part;
}

function spokenEvents(part: JsonObject, at: JsonObject): Event[] {
  const { type, text, refusal, annotations, logprobs = [] } = part;
  if (type === 'refusal') return textEvents('response.refusal', textOf(part, 'refusal'), { refusal }, at);
  if (type === 'reasoning_text') return textEvents('response.reasoning_text', textOf(part, 'text'), { text }, at);
  if (type !== 'output_text') return [];
  const cited = (Array.isArray(annotations) ? (annotations as unknown[]) : []).map((annotation, index) => ({
    type: 'response.output_text.annotation.added',
    ...at,
    annotation_index: index,
    annotation,
  }));
  const spoken = textEvents('response.output_text', textOf(part, 'text'), { text, logprobs }, at, { logprobs: [] });
  return [...spoken.slice(0, -1), ...cited, ...spoken.slice(-1)];
}

/** The deltas of a text, and the event that says it as a whole. */
function textEvents(
  name: string,
  text: string,
  whole: JsonObject,
  at: JsonObject = {},
  beside: JsonObject = {},
): Event[] {
  return [
    ...pieces(text).map((delta) => ({ type: `${name}.delta`, ...at, delta, ...beside })),
    { type: `${name}.done`, ...at, ...whole },
  ];
}

function textOf(part: JsonObject, member: string): string {
  return typeof part[member] === 'string' ? part[member] : '';
}

function frameOf(event: Event, sequenceNumber: number): RecordedFrame {
  const data = JSON.stringify({ ...event, sequence_number: sequenceNumber });
  return { raw: Buffer.from(`event: ${event.type}\ndata: ${data}\n\n`), afterMicros: 0, cut: NO_CUT };
}

function readsBack(response: JsonObject, output: readonly JsonObject[], frames: readonly RecordedFrame[]): boolean {
  const raw = frames.map((frame) => frame.raw);
  const assembler = new ResponseAssembler();
  for (const frame of raw) assembler.push(frame);
  const { json, jsonDiffers } = assembler.finish();
  if (json === null || jsonDiffers === true || !isDeepStrictEqual(parsed(json.toString('utf8')), response))
    return false;
  const collected = readPieces(raw)?.map((item, at) => whenDone(item, output[at]));
  return isDeepStrictEqual(collected, output);
}

/** An item's status is what its last event says. */
function whenDone(item: JsonObject, said: JsonObject | undefined): JsonObject {
  return said !== undefined && 'status' in said ? { ...item, status: said['status'] } : item;
}
