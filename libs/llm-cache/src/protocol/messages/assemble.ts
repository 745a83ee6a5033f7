/**
 * From the events of a message to the message that the same call would have answered without a stream.
 *
 * - `message_start` brings the message, mostly without content, blocks grow between their start and their stop, `message_delta`
 *   brings what is known at the end. Its counts are totals: they replace those of the start, which are no more than a
 *   beginning: without them nobody knows how much was put out.
 * - The input of a tool is put into the message as the model wrote it, digit by digit.
 * - What is of a kind that we do not know (Anthropic adds events, and asks readers to bear it) is read as well as can be. The
 *   stream is kept and replayed as it came; the message made of it is not (`WholeAnswer.jsonDiffers`).
 */
import { anthropicTier, readAnthropicUsage } from '../../ledger/anthropic-usage.js';
import { readFrame } from '../../stream/sse-frames.js';
import { complaintIn } from '../complaint.js';
import { GOES_ON, TERMINAL } from '../frame-readings.js';
import { given, isObject, parsedEvent, textIn } from '../json-object.js';
import {
  NO_FACTS,
  withOutputUnknown,
  type AnswerDefect,
  type AnswerFacts,
  type Assembler,
  type FrameReading,
  type JsonObject,
  type WholeAnswer,
} from '../protocol.js';
import { ContentBlock, copied, jsonOf, mergedCounts } from './message-parts.js';

/** Reasons to stop at which an answer is one to keep. */
const FINISHED: ReadonlySet<unknown> = new Set(['end_turn', 'stop_sequence', 'tool_use']);
const TOO_SHORT: ReadonlySet<unknown> = new Set(['max_tokens', 'model_context_window_exceeded']);
/** Blocks that the model makes or the client is to act upon; every other kind is the doing of a tool at the provider. */
const OWN_BLOCKS: ReadonlySet<unknown> = new Set(['text', 'thinking', 'redacted_thinking', 'tool_use']);

export class MessageAssembler implements Assembler {
  readonly #maxBytes: number;
  #message: JsonObject | null = null;
  readonly #blocks = new Map<number, ContentBlock>();
  readonly #ended = new Set<number>();
  #terminal = false;
  #counted = false;
  #complaint: string | null = null;
  #unreadable = false;
  #unsure = false;
  #outgrown = false;
  #bytes = 0;

  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
  }

  get outgrown(): boolean {
    return this.#outgrown;
  }

  push(frame: Buffer): FrameReading {
    const { event, data } = readFrame(frame);
    if (data === null) return GOES_ON;
    const said = parsedEvent(data);
    if (!isObject(said)) {
      this.#unreadable = true;
      return GOES_ON;
    }
    switch (said['type'] ?? event) {
      case 'message_start':
        this.#start(said['message'], data.length);
        break;
      case 'content_block_start':
        this.#startBlock(said['index'], said['content_block'], data.length);
        break;
      case 'content_block_delta':
        this.#grow(said['index'], said['delta']);
        break;
      case 'content_block_stop':
        // Kept of what has begun alone, which the bound counts.
        if (this.#blocks.has(said['index'] as number)) this.#ended.add(said['index'] as number);
        break;
      case 'message_delta':
        this.#change(said, data.length);
        break;
      case 'message_stop':
        this.#terminal = true;
        return TERMINAL;
      case 'ping':
        break;
      case 'error':
        this.#complaint ??= complaintIn(said['error'] ?? said);
        break;
      default:
        // An error of a proxy on the way may come without a type.
        if (given(said['error'])) this.#complaint ??= complaintIn(said['error']);
        else this.#unsure = true;
    }
    return GOES_ON;
  }

  finish(): WholeAnswer {
    const message = this.#message;
    const told = message === null ? NO_FACTS : factsOf(message);
    const facts = this.#counted ? told : withOutputUnknown(told);
    if (this.#complaint !== null) return { json: null, facts, defect: 'in_band_error', complaint: this.#complaint };
    if (this.#outgrown) return this.#tooLong(facts);
    if (message === null || this.#unreadable) return { json: null, facts, defect: 'unreadable', complaint: null };
    const { content, sound } = this.#content();
    const kinds = [...this.#blocks.values()].map(({ type }) => type);
    const defect = defectOf(message, kinds);
    // A stream that only forgot to say that it is over is a whole answer to its reader, though not one to keep.
    const whole = this.#terminal || defect !== 'unfinished_choice';
    const json = whole ? Buffer.from(jsonOf(message, new Map([['content', content]]))) : null;
    if (json !== null && json.length > this.#maxBytes) return this.#tooLong(facts);
    return {
      json,
      facts,
      defect: this.#terminal ? defect : 'no_terminal_event',
      complaint: null,
      ...(sound && !this.#unsure && this.#allEnded() ? {} : { jsonDiffers: true }),
    };
  }

  #tooLong(facts: AnswerFacts): WholeAnswer {
    return { json: null, facts, defect: this.#terminal ? 'too_large' : 'no_terminal_event', complaint: null };
  }

  #start(message: unknown, bytes: number): void {
    if (!isObject(message) || !Array.isArray(message['content']) || this.#message !== null) {
      this.#unreadable = true;
      return;
    }
    this.#message = copied(message);
    if (isObject(message['usage'])) this.#message['usage'] = copied(message['usage']);
    this.#count(bytes);
    this.#takeBegun(message['content']);
  }

  /** What ran between two requests comes at once, and whole. How it goes on from there is what SDKs take it for, and not said. */
  #takeBegun(content: readonly unknown[]): void {
    if (content.length > 0) this.#unsure = true;
    for (const [index, block] of content.entries()) {
      this.#startBlock(index, block, 0);
      if (this.#blocks.has(index)) this.#ended.add(index);
    }
  }

  #startBlock(index: unknown, block: unknown, bytes: number): void {
    if (!Number.isSafeInteger(index) || !isObject(block) || this.#blocks.has(index as number)) {
      this.#unreadable = true;
      return;
    }
    this.#count(bytes);
    if (!this.#outgrown) this.#blocks.set(index as number, new ContentBlock(block));
  }

  #grow(index: unknown, delta: unknown): void {
    if (!isObject(delta)) {
      this.#unreadable = true;
      return;
    }
    this.#count(bytesIn(delta));
    if (this.#outgrown) return;
    const block = this.#blocks.get(Number(index));
    const taken = block === undefined || this.#ended.has(Number(index)) ? 'unreadable' : block.take(delta);
    if (taken === 'unreadable') this.#unreadable = true;
    else if (taken === 'unknown') this.#unsure = true;
  }

  #change({ type: _type, delta, usage, ...others }: JsonObject, bytes: number): void {
    const message = this.#message;
    if (message === null) {
      this.#unreadable = true;
      return;
    }
    this.#count(bytes);
    if (isObject(usage)) {
      message['usage'] = mergedCounts(message['usage'], usage);
      this.#counted ||= given(usage['output_tokens']);
    }
    if (this.#outgrown) return;
    if (isObject(delta)) Object.assign(message, delta);
    // Such as `context_management`, which in a message stands beside its content.
    Object.assign(message, others);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#outgrown || this.#bytes <= this.#maxBytes) return;
    this.#outgrown = true;
    this.#blocks.clear();
  }

  #content(): { readonly content: string; readonly sound: boolean } {
    const indexes = [...this.#blocks.keys()].toSorted((left, right) => left - right);
    const blocks = indexes.map((index) => (this.#blocks.get(index) as ContentBlock).json());
    return { content: `[${blocks.map(({ text }) => text).join(',')}]`, sound: blocks.every(({ sound }) => sound) };
  }

  #allEnded(): boolean {
    return [...this.#blocks.keys()].every((index) => this.#ended.has(index));
  }
}

/** Why a message is not one to keep, or null. `kinds` are the types of its blocks. */
export function defectOf(message: JsonObject, kinds: readonly unknown[]): AnswerDefect | null {
  if (message['type'] === 'error') return 'in_band_error';
  const reason = message['stop_reason'];
  if (reason === undefined || reason === null) return 'unfinished_choice';
  if (TOO_SHORT.has(reason)) return 'finish_length';
  if (reason === 'refusal') return 'finish_content_filter';
  if (!FINISHED.has(reason)) return 'finish_abnormal';
  return kinds.every((kind) => OWN_BLOCKS.has(kind)) && !toldOfServerTools(message) ? null : 'server_tool';
}

function toldOfServerTools({ usage, container }: JsonObject): boolean {
  if (given(container)) return true;
  const used = isObject(usage) ? usage['server_tool_use'] : null;
  return isObject(used) && Object.values(used).some((times) => times !== 0);
}

export function factsOf(message: JsonObject): AnswerFacts {
  return {
    model: textIn(message['model']),
    usage: readAnthropicUsage(message['usage']),
    responseId: textIn(message['id']),
    serviceTier: anthropicTier(message['usage']),
  };
}

function bytesIn(delta: JsonObject): number {
  let bytes = 0;
  for (const name in delta) {
    const value = delta[name];
    bytes += typeof value === 'string' ? Buffer.byteLength(value) : JSON.stringify(value ?? null).length;
  }
  return bytes;
}
