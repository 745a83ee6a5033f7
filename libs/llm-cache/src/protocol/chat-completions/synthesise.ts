/** The chunks in which OpenAI streams a chat completion. */
import type { RecordedFrame } from '../../stream/recording.js';
import { synthesise, type ChoiceStreaming } from '../choices/synthesis.js';
import { isObject } from '../json-object.js';
import { pieces } from '../pieces.js';
import type { JsonObject } from '../protocol.js';
import { ChatAssembler } from './assemble.js';

const CHAT_STREAMING: ChoiceStreaming = {
  object: 'chat.completion.chunk',
  partsOf,
  assembler: () => new ChatAssembler(),
  explicit,
};

export function synthesiseChat(answer: Buffer): RecordedFrame[] | null {
  return synthesise(answer, CHAT_STREAMING);
}

function partsOf(choice: JsonObject): JsonObject[] | null {
  const { index, message, logprobs, finish_reason: finishReason, ...others } = choice;
  if (!isObject(message)) return null;
  const deltas = deltasOf(message);
  const spoken = deltas.findIndex((delta) => typeof delta['content'] === 'string' && delta['content'] !== '');
  const probed = logprobs === undefined || logprobs === null ? -1 : Math.max(spoken, 0);
  return [
    ...deltas.map((delta, at) => ({ index, delta, logprobs: at === probed ? logprobs : null, finish_reason: null })),
    { index, delta: {}, logprobs: null, finish_reason: finishReason, ...others },
  ];
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

function explicit(completion: JsonObject): unknown {
  return {
    object: 'chat.completion',
    ...completion,
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
