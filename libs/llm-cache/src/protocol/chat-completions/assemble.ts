/** From the chunks of a chat completion to the completion that the same call would have answered without a stream. */
import { readOpenAiUsage } from '../../ledger/openai-usage.js';
import { readFrame } from '../../stream/sse-frames.js';
import { spanOfMember } from '../../stream/json-members.js';
import { NO_CUT, type Cut } from '../../stream/recording.js';
import type { AnswerDefect, AnswerFacts, Assembler, FrameReading, JsonObject, WholeAnswer } from '../protocol.js';
import { emptyObject, mergeDelta } from './delta-merge.js';
import { bytesOf } from './merged-size.js';
import { isObject } from './request.js';

export const DONE = '[DONE]';
/** Exists only to blur the sizes of chunks on the wire. */
const TRANSPORT_ONLY: ReadonlySet<string> = new Set(['obfuscation']);
const FINISHED: ReadonlySet<unknown> = new Set([
  'stop',
  'tool_calls',
  'function_call',
  'end_turn',
  'stop_sequence',
  'eos',
  'eos_token',
]);

/** What the ledger wants to know of an answer, however long it is. */
const BILLING = ['id', 'model', 'usage', 'service_tier'] as const;
/** The merged answer is measured again when it may have passed the bound, but not for every frame near it. */
const LEAST_STEP = 1 / 16;

const USAGE_LAST = ',"usage":null}';

const COMMENT: FrameReading = Object.freeze({ cut: NO_CUT, terminal: false });
const TERMINAL: FrameReading = Object.freeze({ cut: NO_CUT, terminal: true });

interface ChoiceState {
  readonly message: JsonObject;
  readonly logprobs: JsonObject;
  hasLogprobs: boolean;
  readonly rest: JsonObject;
}

export class ChatAssembler implements Assembler {
  readonly #maxBytes: number;
  #top = emptyObject();
  readonly #choices = new Map<number, ChoiceState>();
  #chunks = 0;
  #terminal = false;
  #complaint: string | null = null;
  #unreadable = false;
  #outgrown = false;
  /** Bytes of frames since the answer was last measured, and how many it may grow by: a merged answer is no longer than its frames. */
  #unmeasured = 0;
  #step: number;

  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
    this.#step = maxBytes;
  }

  get outgrown(): boolean {
    return this.#outgrown;
  }

  push(frame: Buffer): FrameReading {
    const { event, data, dataAt } = readFrame(frame);
    if (data === null) return COMMENT;
    if (data.trim() === DONE) {
      this.#terminal = true;
      return TERMINAL;
    }
    const chunk = parsed(data);
    if (!isObject(chunk)) {
      this.#unreadable = true;
      return COMMENT;
    }
    const error = chunk['error'] ?? (event === 'error' ? chunk : null);
    if (error !== null) this.#complaint ??= complaintIn(error);
    else if (Array.isArray(chunk['choices'])) this.#merge(chunk, chunk['choices'], frame.length);
    else this.#unreadable = true;
    return { cut: usageCut(frame, data, dataAt, chunk), terminal: false };
  }

  finish(): WholeAnswer {
    if (this.#outgrown) return this.#outgrownAnswer();
    const completion = this.#completion();
    const facts = factsOf(completion);
    if (this.#complaint !== null) return { json: null, facts, defect: 'in_band_error', complaint: this.#complaint };
    if (this.#unreadable || this.#chunks === 0) return { json: null, facts, defect: 'unreadable', complaint: null };
    const defect = defectOf(completion);
    // A stream that only forgot to say that it is over is a whole answer to its reader, though not one to keep.
    const json = this.#terminal || defect !== 'unfinished_choice' ? Buffer.from(JSON.stringify(completion)) : null;
    return { json, facts, defect: this.#terminal ? defect : 'no_terminal_event', complaint: null };
  }

  #outgrownAnswer(): WholeAnswer {
    const defect =
      this.#complaint !== null ? 'in_band_error' : this.#terminal ? 'too_large' : ('no_terminal_event' as const);
    return { json: null, facts: factsOf(this.#top), defect, complaint: this.#complaint };
  }

  #merge(chunk: JsonObject, choices: unknown[], bytes: number): void {
    this.#chunks++;
    this.#grow(bytes);
    if (this.#outgrown) {
      for (const name of BILLING) this.#top[name] = chunk[name] ?? this.#top[name];
      return;
    }
    // Parsed JSON has no inherited members to enumerate, and this runs for every token.
    for (const name in chunk) {
      if (name === 'choices' || TRANSPORT_ONLY.has(name)) continue;
      const value = chunk[name];
      if (value !== null || this.#top[name] === undefined) this.#top[name] = value;
    }
    for (const choice of choices) {
      if (isObject(choice)) this.#mergeChoice(choice);
      else this.#unreadable = true;
    }
  }

  #grow(bytes: number): void {
    this.#unmeasured += bytes;
    if (this.#outgrown || this.#unmeasured <= this.#step) return;
    let size = bytesOf(this.#top);
    for (const state of this.#choices.values()) size += bytesOf(state);
    // What this frame brings is merged next.
    size += bytes;
    if (size > this.#maxBytes) {
      this.#outgrown = true;
      this.#choices.clear();
      const billing = emptyObject();
      for (const name of BILLING) billing[name] = this.#top[name];
      this.#top = billing;
    }
    this.#unmeasured = 0;
    this.#step = Math.max(this.#maxBytes - size, this.#maxBytes * LEAST_STEP);
  }

  #mergeChoice(choice: JsonObject): void {
    const index = Number.isInteger(choice['index']) ? Number(choice['index']) : 0;
    let state = this.#choices.get(index);
    if (state === undefined)
      this.#choices.set(
        index,
        (state = { message: emptyObject(), logprobs: emptyObject(), hasLogprobs: false, rest: emptyObject() }),
      );
    for (const name in choice) {
      if (name === 'index') continue;
      const value = choice[name];
      if (name === 'delta') {
        if (isObject(value)) mergeDelta(state.message, value);
      } else if (name === 'logprobs' && isObject(value)) {
        state.hasLogprobs = true;
        mergeDelta(state.logprobs, value);
      } else if (name !== 'logprobs' && (value !== null || state.rest[name] === undefined)) {
        state.rest[name] = value;
      }
    }
  }

  #completion(): JsonObject {
    const { id, created, model, usage, ...rest } = this.#top;
    const indexes = [...this.#choices.keys()].toSorted((left, right) => left - right);
    return withoutUndefined({
      id,
      object: 'chat.completion',
      created,
      model,
      choices: indexes.map((index) => completeChoice(index, this.#choices.get(index) as ChoiceState)),
      usage: usage ?? undefined,
      ...without(rest, 'object'),
    });
  }
}

/**
 * The members in the order in which OpenAI writes them, and those that its schema requires though a stream may leave
 * them out: `content`, `refusal` and `logprobs` are null when nothing was said of them.
 */
function completeChoice(index: number, state: ChoiceState): JsonObject {
  const { role, content, refusal, tool_calls: toolCalls, ...message } = state.message;
  return {
    index,
    message: withoutUndefined({
      role: role ?? 'assistant',
      content: content ?? null,
      refusal: refusal ?? null,
      ...message,
      tool_calls: Array.isArray(toolCalls)
        ? toolCalls.map((call: unknown) => (isObject(call) ? without(call, 'index') : call))
        : toolCalls,
    }),
    logprobs: state.hasLogprobs ? state.logprobs : null,
    finish_reason: null,
    ...state.rest,
  };
}

/**
 * What a reader who did not ask for usage would not have got: OpenAI puts `"usage":null` into each chunk and adds a last
 * one without choices. Both are cut only where reading the rest gives the same chunk without `usage`.
 */
function usageCut(frame: Buffer, data: string, dataAt: { from: number; to: number } | null, chunk: JsonObject): Cut {
  if (!('usage' in chunk)) return NO_CUT;
  if (chunk['usage'] !== null) {
    const usageOnly = Array.isArray(chunk['choices']) && chunk['choices'].length === 0 && isObject(chunk['usage']);
    return usageOnly ? { from: 0, length: frame.length } : NO_CUT;
  }
  if (dataAt === null) return NO_CUT;
  // Where OpenAI puts it: last, and nowhere else. The one brace behind it closes the chunk itself.
  if (data.endsWith(USAGE_LAST) && data.indexOf('"usage"') === data.length - USAGE_LAST.length + 1) {
    return { from: dataAt.to - USAGE_LAST.length, length: USAGE_LAST.length - 1 };
  }
  const span = spanOfMember(frame, dataAt.from, dataAt.to, 'usage', 'null');
  return span === null ? NO_CUT : { from: span.from, length: span.to - span.from };
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
    model: text(completion['model']),
    usage: readOpenAiUsage(completion['usage']),
    responseId: text(completion['id']),
    serviceTier: text(completion['service_tier']),
  };
}

function complaintIn(error: unknown): string {
  return (isObject(error) ? text(error['message']) : text(error)) ?? 'no reason was given';
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // what is no JSON is told apart by its type
  }
}

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}

function withoutUndefined(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
