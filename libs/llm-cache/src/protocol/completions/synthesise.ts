/** The chunks in which OpenAI streams a text completion. */
import type { RecordedFrame } from '../../stream/recording.js';
import { synthesise, type ChoiceStreaming } from '../choices/synthesis.js';
import { pieces } from '../pieces.js';
import type { JsonObject } from '../protocol.js';
import { TextAssembler } from './assemble.js';

const TEXT_STREAMING: ChoiceStreaming = {
  object: 'text_completion',
  partsOf,
  assembler: () => new TextAssembler(),
  explicit,
};

export function synthesiseText(answer: Buffer): RecordedFrame[] | null {
  return synthesise(answer, TEXT_STREAMING);
}

function partsOf(choice: JsonObject): JsonObject[] | null {
  const { index, text, logprobs = null, finish_reason: finishReason, ...others } = choice;
  if (typeof text !== 'string') return null;
  // Which token is whose cannot be told, so text with probabilities stays in one piece.
  const said = logprobs === null ? pieces(text) : [text];
  return [
    ...said.map((piece) => ({ text: piece, index, logprobs, finish_reason: null })),
    { text: '', index, logprobs: null, finish_reason: finishReason, ...others },
  ];
}

function explicit(completion: JsonObject): unknown {
  return {
    object: 'text_completion',
    ...completion,
    choices: (completion['choices'] as JsonObject[]).map((choice) => ({ logprobs: null, ...choice })),
  };
}
