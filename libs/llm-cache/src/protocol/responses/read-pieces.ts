/**
 * Reads a stream as those do who look at each piece: what was added, with what its deltas append. The last event, which
 * says everything at once, is not looked at.
 */
import { readFrame } from '../../stream/sse-frames.js';
import { isObject, parsed } from '../json-object.js';
import type { JsonObject } from '../protocol.js';

/** Where the pieces of a delta are collected, by the event's name without its prefix and suffix. */
const TEXT_OF_DELTA: Readonly<Record<string, { readonly list: string | null; readonly member: string }>> = {
  output_text: { list: 'content', member: 'text' },
  refusal: { list: 'content', member: 'refusal' },
  reasoning_text: { list: 'content', member: 'text' },
  reasoning_summary_text: { list: 'summary', member: 'text' },
  function_call_arguments: { list: null, member: 'arguments' },
  custom_tool_call_input: { list: null, member: 'input' },
};

/** The output items, but for what is only said when they are done. Null for events that do not fit together. */
export function readPieces(frames: readonly Buffer[]): JsonObject[] | null {
  const items: JsonObject[] = [];
  for (const frame of frames) {
    const { data } = readFrame(frame);
    const event = data === null ? null : parsed(data);
    if (!isObject(event) || !taken(items, event)) return null;
  }
  return items;
}

function taken(items: JsonObject[], event: JsonObject): boolean {
  const [, name = '', verb = ''] = /^response\.(.+)\.(\w+)$/.exec(String(event['type'])) ?? [];
  if (name === 'output_item' && verb === 'added') {
    return items.push(event['item'] as JsonObject) === Number(event['output_index']) + 1;
  }
  if (name === 'content_part' && verb === 'added') return added(items, event, 'content', event['content_index']);
  if (name === 'reasoning_summary_part' && verb === 'added')
    return added(items, event, 'summary', event['summary_index']);
  if (name === 'output_text.annotation' && verb === 'added') return annotated(items, event);
  return verb !== 'delta' || appended(items, event, name);
}

function added(items: JsonObject[], event: JsonObject, list: string, index: unknown): boolean {
  const parts = items[Number(event['output_index'])]?.[list];
  return Array.isArray(parts) && parts.push(event['part']) === Number(index) + 1;
}

function annotated(items: JsonObject[], event: JsonObject): boolean {
  const part = partOf(items, event, 'content');
  return Array.isArray(part?.['annotations']) && part['annotations'].push(event['annotation']) > 0;
}

function appended(items: JsonObject[], event: JsonObject, name: string): boolean {
  const place = TEXT_OF_DELTA[name];
  if (place === undefined) return false;
  const target = place.list === null ? items[Number(event['output_index'])] : partOf(items, event, place.list);
  if (typeof target?.[place.member] !== 'string') return false;
  target[place.member] += String(event['delta']);
  return true;
}

function partOf(items: JsonObject[], event: JsonObject, list: string): JsonObject | undefined {
  const parts = items[Number(event['output_index'])]?.[list];
  const index = event[list === 'summary' ? 'summary_index' : 'content_index'];
  return Array.isArray(parts) ? (parts as JsonObject[])[Number(index)] : undefined;
}
