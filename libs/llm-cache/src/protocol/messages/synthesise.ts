/**
 * From a message to the events that Anthropic would have streamed, for providers that answer JSON only. Offered only where
 * assembling the events gives the message back.
 */
import { isDeepStrictEqual } from 'node:util';
import { NO_CUT, type RecordedFrame } from '../../stream/recording.js';
import { faithfulObject } from '../faithful-json.js';
import { isObject } from '../json-object.js';
import { pieces } from '../pieces.js';
import type { JsonObject } from '../protocol.js';
import { MessageAssembler } from './assemble.js';

export function synthesiseMessage(answer: Buffer): RecordedFrame[] | null {
  const message = faithfulObject(answer);
  if (message === null || !Array.isArray(message['content']) || message['type'] !== 'message') return null;
  const events = eventsOf(message, message['content']);
  if (events === null) return null;
  const frames = events.map(frameOf);
  return readsBack(message, frames) ? frames : null;
}

function eventsOf(message: JsonObject, content: unknown[]): JsonObject[] | null {
  const { stop_reason: stopReason, stop_sequence: stopSequence, usage } = message;
  const outputTokens = isObject(usage) ? usage['output_tokens'] : undefined;
  const start = {
    ...message,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    // Counted so far; the totals come at the end.
    ...(outputTokens === undefined ? {} : { usage: { ...(usage as JsonObject), output_tokens: 0 } }),
  };
  const events: JsonObject[] = [{ type: 'message_start', message: start }];
  for (const [index, block] of content.entries()) {
    if (!isObject(block)) return null;
    const { begin, deltas } = partsOf(block);
    events.push({ type: 'content_block_start', index, content_block: begin });
    for (const delta of deltas) events.push({ type: 'content_block_delta', index, delta });
    events.push({ type: 'content_block_stop', index });
  }
  const delta = { stop_reason: stopReason, stop_sequence: stopSequence };
  events.push({
    type: 'message_delta',
    delta,
    ...(outputTokens === undefined ? {} : { usage: { output_tokens: outputTokens } }),
  });
  events.push({ type: 'message_stop' });
  return events;
}

function partsOf(block: JsonObject): { readonly begin: JsonObject; readonly deltas: readonly JsonObject[] } {
  switch (block['type']) {
    case 'text': {
      const { citations, text } = block;
      if (typeof text !== 'string') break;
      const cited = Array.isArray(citations);
      return {
        begin: { ...block, text: '', ...(cited ? { citations: [] } : {}) },
        deltas: [
          ...(cited ? (citations as unknown[]) : []).map((citation) => ({ type: 'citations_delta', citation })),
          ...pieces(text).map((piece) => ({ type: 'text_delta', text: piece })),
        ],
      };
    }
    case 'thinking': {
      const { thinking, signature } = block;
      if (typeof thinking !== 'string' || typeof signature !== 'string') break;
      return {
        begin: { ...block, thinking: '', signature: '' },
        deltas: [
          ...pieces(thinking).map((piece) => ({ type: 'thinking_delta', thinking: piece })),
          { type: 'signature_delta', signature },
        ],
      };
    }
    case 'tool_use': {
      const input = pieces(JSON.stringify(block['input'] ?? {}));
      return {
        begin: { ...block, input: {} },
        deltas: ['', ...input].map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
      };
    }
    default:
  }
  return { begin: block, deltas: [] };
}

function frameOf(event: JsonObject): RecordedFrame {
  const raw = Buffer.from(`event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`);
  return { raw, afterMicros: 0, cut: NO_CUT };
}

function readsBack(message: JsonObject, frames: readonly RecordedFrame[]): boolean {
  const assembler = new MessageAssembler();
  for (const { raw } of frames) assembler.push(raw);
  const { json, jsonDiffers } = assembler.finish();
  return json !== null && jsonDiffers !== true && isDeepStrictEqual(JSON.parse(json.toString('utf8')), message);
}
