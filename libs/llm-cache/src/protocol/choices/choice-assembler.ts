/** From the chunks of a completion to the completion that the same call would have answered without a stream. */
import { readFrame } from '../../stream/sse-frames.js';
import { complaintIn } from '../complaint.js';
import { GOES_ON, TERMINAL } from '../frame-readings.js';
import { given, isObject, without, withoutUndefined } from '../json-object.js';
import {
  withOutputUnknown,
  type AnswerFacts,
  type Assembler,
  type FrameReading,
  type JsonObject,
  type RequestFacts,
  type WholeAnswer,
} from '../protocol.js';
import { defectOf, factsOf, useOf } from './completion.js';
import { emptyObject } from './delta-merge.js';
import { exactEvent, exactJson } from './exact-numbers.js';
import { bytesOf } from './merged-size.js';
import { choicesIn, usageCut } from './usage-cut.js';

export const DONE = '[DONE]';
/** Exists only to blur the sizes of chunks on the wire. */
const TRANSPORT_ONLY: ReadonlySet<string> = new Set(['obfuscation']);

/** What the ledger wants to know of an answer, however long it is. */
const BILLING = ['id', 'model', 'usage', 'service_tier'] as const;
/** The merged answer is measured again when it may have passed the bound, but not for every frame near it. */
const LEAST_STEP = 1 / 16;

/** What the choices of one protocol are made of. */
export interface ChoiceKind<State extends object> {
  /** Of the whole: `chat.completion` */
  readonly object: string;
  fresh(): State;
  /** Takes in what a chunk says of this choice. */
  merge(state: State, choice: JsonObject): void;
  /** The choice as the whole answer has it. */
  whole(index: number, state: State): JsonObject;
}

export class ChoiceAssembler<State extends object> implements Assembler {
  readonly #kind: ChoiceKind<State>;
  readonly #maxBytes: number;
  readonly #request: RequestFacts | undefined;
  #top = emptyObject();
  readonly #choices = new Map<number, State>();
  #terminal = false;
  /** The usage came in a chunk of its own, which providers send last. */
  #counted = false;
  #complaint: string | null = null;
  #unreadable = false;
  #outgrown = false;
  /** Bytes of frames since the answer was last measured, and how many it may grow by: a merged answer is no longer than its frames. */
  #unmeasured = 0;
  #step: number;

  constructor(kind: ChoiceKind<State>, maxBytes = Number.POSITIVE_INFINITY, request?: RequestFacts) {
    this.#kind = kind;
    this.#maxBytes = maxBytes;
    this.#request = request;
    this.#step = maxBytes;
  }

  get outgrown(): boolean {
    return this.#outgrown;
  }

  push(frame: Buffer): FrameReading {
    const { event, data, dataAt } = readFrame(frame);
    if (data === null) return GOES_ON;
    if (data.trim() === DONE) {
      this.#terminal = true;
      return TERMINAL;
    }
    const chunk = exactEvent(data);
    if (!isObject(chunk)) {
      this.#unreadable = true;
      return GOES_ON;
    }
    const error = chunk['error'] ?? (event === 'error' ? chunk : null);
    if (error !== null) this.#complaint ??= complaintIn(error);
    else {
      const choices = choicesIn(chunk);
      if (choices === null) this.#unreadable = true;
      else this.#merge(chunk, choices, frame.length);
    }
    return { cut: usageCut(frame, data, dataAt, chunk), terminal: false };
  }

  finish(): WholeAnswer {
    if (this.#outgrown) return this.#outgrownAnswer();
    const completion = this.#completion();
    const defect = defectOf(completion);
    const facts = this.#factsOf(completion, defect !== 'unfinished_choice');
    if (this.#complaint !== null) return { json: null, facts, defect: 'in_band_error', complaint: this.#complaint };
    if (this.#unreadable || this.#choices.size === 0)
      return { json: null, facts, defect: 'unreadable', complaint: null };
    // A stream that only forgot to say that it is over is a whole answer to its reader, though not one to keep.
    const json = this.#terminal || defect !== 'unfinished_choice' ? Buffer.from(exactJson(completion)) : null;
    return {
      json,
      facts,
      defect: this.#terminal ? defect : 'no_terminal_event',
      complaint: null,
      ...useOf(completion),
    };
  }

  #outgrownAnswer(): WholeAnswer {
    const defect =
      this.#complaint !== null ? 'in_band_error' : this.#terminal ? 'too_large' : ('no_terminal_event' as const);
    return { json: null, facts: this.#factsOf(this.#top, false), defect, complaint: this.#complaint };
  }

  /** Some providers count along with each chunk: how much it was at the end is known only where there was one. */
  #factsOf(completion: JsonObject, finished: boolean): AnswerFacts {
    const facts = factsOf(completion, this.#request);
    const over = finished || this.#counted || (this.#terminal && this.#complaint === null);
    return over ? facts : withOutputUnknown(facts);
  }

  #merge(chunk: JsonObject, choices: unknown[], bytes: number): void {
    this.#grow(bytes);
    this.#counted ||= choices.length === 0 && isObject(chunk['usage']);
    if (this.#outgrown) {
      for (const name of BILLING) if (says(name, chunk[name])) this.#top[name] = chunk[name];
      return;
    }
    // Parsed JSON has no inherited members to enumerate, and this runs for every token.
    for (const name in chunk) {
      if (name === 'choices' || TRANSPORT_ONLY.has(name)) continue;
      const value = chunk[name];
      if (says(name, value) || this.#top[name] === undefined) this.#top[name] = value;
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
    if (state === undefined) this.#choices.set(index, (state = this.#kind.fresh()));
    this.#kind.merge(state, choice);
  }

  #completion(): JsonObject {
    const { id, created, model, usage, ...rest } = this.#top;
    const indexes = [...this.#choices.keys()].toSorted((left, right) => left - right);
    return withoutUndefined({
      id,
      object: this.#kind.object,
      created,
      model,
      choices: indexes.map((index) => this.#kind.whole(index, this.#choices.get(index) as State)),
      usage: usage ?? undefined,
      ...without(rest, 'object'),
    });
  }
}

/** Chunks that are about something else have null, an empty text, or the beginning of time for what others said. */
function says(name: string, value: unknown): boolean {
  return given(value) && value !== '' && !(name === 'created' && value === 0);
}
