/** What a whole completion says of itself, be it a chat's or a text's. */
import { isUtf8 } from 'node:buffer';
import { readOpenAiUsage } from '../../ledger/openai-usage.js';
import { isObject, parsed, textIn } from '../json-object.js';
import type { AnswerDefect, AnswerFacts, JsonObject, WholeAnswer } from '../protocol.js';

const FINISHED: ReadonlySet<unknown> = new Set([
  'stop',
  'tool_calls',
  'function_call',
  'end_turn',
  'stop_sequence',
  'eos',
  'eos_token',
]);

/** Reads a completion that came as JSON; null for what is none. */
export function readCompletion(bytes: Buffer): WholeAnswer | null {
  if (!isUtf8(bytes)) return null;
  const completion = parsed(bytes.toString('utf8'));
  if (!isObject(completion)) return null;
  const failed = completion['error'] !== undefined && completion['error'] !== null;
  if (!failed && !Array.isArray(completion['choices'])) return null;
  return { json: bytes, facts: factsOf(completion), defect: defectOf(completion), complaint: null };
}

/** Why a completion is not one to keep, or null. */
export function defectOf(completion: JsonObject): AnswerDefect | null {
  if (completion['error'] !== undefined && completion['error'] !== null) return 'in_band_error';
  const choices = completion['choices'];
  if (!Array.isArray(choices) || choices.length === 0) return 'unfinished_choice';
  let defect: AnswerDefect | null = null;
  for (const choice of choices as unknown[]) {
    if (!isObject(choice)) return 'unreadable';
    const reason = choice['finish_reason'];
    if (reason === undefined || reason === null) return 'unfinished_choice';
    if (reason === 'length') defect = 'finish_length';
    else if (reason === 'content_filter') defect ??= 'finish_content_filter';
    else if (!FINISHED.has(reason)) defect ??= 'finish_abnormal';
    if (citesTheWeb(choice['message'])) defect ??= 'server_tool';
  }
  return defect;
}

function citesTheWeb(message: unknown): boolean {
  const annotations = isObject(message) ? message['annotations'] : undefined;
  return (
    Array.isArray(annotations) && annotations.some((one: unknown) => isObject(one) && one['type'] === 'url_citation')
  );
}

export function factsOf(completion: JsonObject): AnswerFacts {
  return {
    model: textIn(completion['model']),
    usage: readOpenAiUsage(completion['usage']),
    responseId: textIn(completion['id']),
    serviceTier: textIn(completion['service_tier']),
  };
}
