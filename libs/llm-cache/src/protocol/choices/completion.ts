/** What a whole completion says of itself, be it a chat's or a text's. */
import { isUtf8 } from 'node:buffer';
import { readOpenAiUsage } from '../../ledger/openai-usage.js';
import { given, isObject, parsed, textIn } from '../json-object.js';
import type { AnswerDefect, AnswerFacts, JsonObject, RequestFacts, WholeAnswer } from '../protocol.js';

const FINISHED: ReadonlySet<unknown> = new Set([
  'stop',
  'tool_calls',
  'function_call',
  'end_turn',
  'stop_sequence',
  'eos',
  'eos_token',
]);

/** Reads a completion that came as JSON; null for what is none. `request` says what was asked. */
export function readCompletion(bytes: Buffer, request?: RequestFacts): WholeAnswer | null {
  if (!isUtf8(bytes)) return null;
  const completion = parsed(bytes.toString('utf8'));
  if (!isObject(completion)) return null;
  if (!given(completion['error']) && !Array.isArray(completion['choices'])) return null;
  return {
    json: bytes,
    facts: factsOf(completion, request),
    defect: defectOf(completion),
    complaint: null,
    ...useOf(completion),
  };
}

/** Audio that later requests can name until it expires bounds how long the answer is of use. */
export function useOf({ choices }: JsonObject): Pick<WholeAnswer, 'keepSeconds'> {
  const ends = (Array.isArray(choices) ? (choices as unknown[]) : []).flatMap((choice) => {
    const message = isObject(choice) ? choice['message'] : null;
    const audio = isObject(message) ? message['audio'] : null;
    return isObject(audio) && typeof audio['expires_at'] === 'number' ? audio['expires_at'] : [];
  });
  if (ends.length === 0) return {};
  return { keepSeconds: Math.max(1, Math.floor(Math.min(...ends) - Date.now() / 1000)) };
}

/** Why a completion is not one to keep, or null. */
export function defectOf(completion: JsonObject): AnswerDefect | null {
  if (given(completion['error'])) return 'in_band_error';
  const choices = completion['choices'];
  if (!Array.isArray(choices) || choices.length === 0) return 'unfinished_choice';
  let defect: AnswerDefect | null = tellsOfServerTools(completion) ? 'server_tool' : null;
  for (const choice of choices as unknown[]) {
    if (!isObject(choice)) return 'unreadable';
    const reason = choice['finish_reason'];
    if (reason === undefined || reason === null) return 'unfinished_choice';
    if (reason === 'length') defect = 'finish_length';
    else if (reason === 'content_filter') defect ??= 'finish_content_filter';
    else if (!FINISHED.has(reason)) defect ??= 'finish_abnormal';
    if (isDoneWithServerTools(choice['message'])) defect ??= 'server_tool';
  }
  return defect;
}

/** What the provider has looked up or run on its own is told beside the choices, or in a message. */
function tellsOfServerTools({ citations, search_results: results }: JsonObject): boolean {
  return hasItems(citations) || hasItems(results);
}

function isDoneWithServerTools(message: unknown): boolean {
  if (!isObject(message)) return false;
  const { annotations, executed_tools: executed } = message;
  if (hasItems(executed)) return true;
  return hasItems(annotations) && annotations.some((one) => isObject(one) && one['type'] === 'url_citation');
}

function hasItems(list: unknown): list is unknown[] {
  return Array.isArray(list) && list.length > 0;
}

/** Items of a response that the provider bills by the piece, beside their tokens. */
const PRICED_ITEMS: ReadonlySet<unknown> = new Set([
  'web_search_call',
  'file_search_call',
  'code_interpreter_call',
  'image_generation_call',
]);

/** Of a completion or a response. */
function isBilledBeside(answer: JsonObject): boolean {
  const { choices, output } = answer;
  if (tellsOfServerTools(answer)) return true;
  if (hasItems(choices) && choices.some((one) => isObject(one) && isDoneWithServerTools(one['message']))) return true;
  return hasItems(output) && output.some((item) => isObject(item) && PRICED_ITEMS.has(item['type']));
}

/** A search that was asked for may leave no trace in a completion, and is billed all the same; items of a response tell of it. */
export function factsOf(completion: JsonObject, request?: RequestFacts): AnswerFacts {
  const usage = readOpenAiUsage(completion['usage']);
  const billedBeside = request?.serverTools === true || isBilledBeside(completion);
  return {
    model: textIn(completion['model']),
    usage: usage !== null && billedBeside ? { ...usage, billedBeside } : usage,
    responseId: textIn(completion['id']),
    serviceTier: textIn(completion['service_tier']),
  };
}
