/**
 * What differs between the provider protocols (chat completions, responses, completions, embeddings, Anthropic
 * messages …), and nothing else. Everything around it, from the identity to the replay, is written once against this
 * interface; a further protocol is one more folder beside `chat-completions/`.
 */
import type { Usage } from '../ledger/ledger.js';
import type { Cut, RecordedFrame } from '../stream/recording.js';
import type { LlmError } from './llm-error.js';

export type JsonObject = Record<string, unknown>;

/** Why an answer that came is not one to keep. */
export type AnswerDefect =
  | 'no_terminal_event'
  | 'unfinished_choice'
  | 'finish_length'
  | 'finish_content_filter'
  | 'finish_abnormal'
  | 'in_band_error'
  | 'server_tool'
  | 'no_image'
  | 'too_large'
  | 'unreadable';

/** What a request says that concerns more than the provider. */
export interface RequestFacts {
  readonly model: string;
  readonly stream: boolean;
  /** The reader of the stream asked for the usage event (where the protocol lets him choose). */
  readonly usageAsked: boolean;
  /** How many pieces the answer has (images), where the end of a stream is told by that. */
  readonly parts?: number;
  /** By what a part is priced, where the provider bills parts and counts no tokens. */
  readonly partTier?: string;
  /** The provider itself will run tools such as web search, so that the answer depends on the world. */
  readonly serverTools: boolean;
  /** The answer depends on what the provider keeps (an earlier answer, a conversation), or makes it keep or begin something. */
  readonly stateful?: boolean;
  /** Id of the answer that the provider is to go on from. */
  readonly continues?: string;
}

/** An answer as a whole: the JSON form, and what storing and billing need to know of it. */
export interface WholeAnswer {
  /** Bytes of the JSON answer; null where there is none, or the frames cannot be turned into it faithfully. */
  readonly json: Buffer | null;
  /** The JSON is what the provider said, but the frames say something else: it is passed on, and only the frames are kept. */
  readonly jsonDiffers?: boolean;
  readonly facts: AnswerFacts;
  readonly defect: AnswerDefect | null;
  /** What the provider said of an error inside a stream that had begun well. */
  readonly complaint: string | null;
  /** It is of use for so long at most (an address that expires), however long answers are kept. */
  readonly keepSeconds?: number;
}

/** What the ledger wants to know of an answer; null where the provider did not say. */
export interface AnswerFacts {
  /** The model that answered. */
  readonly model: string | null;
  readonly usage: Usage | null;
  /** The answer's own id, e.g. `chatcmpl-…`. */
  readonly responseId: string | null;
  readonly serviceTier: string | null;
}

export const NO_FACTS: AnswerFacts = Object.freeze({ model: null, usage: null, responseId: null, serviceTier: null });

/** Of an answer that broke off: what has been counted until then is not what will be billed. */
export function withOutputUnknown(facts: AnswerFacts): AnswerFacts {
  if (facts.usage === null) return facts;
  const unknown = { outputTokens: null, reasoningTokens: null, audioOutputTokens: null, imageOutputTokens: null };
  return { ...facts, usage: { ...facts.usage, ...unknown } };
}

/** What one frame of a live stream means for those who read it. */
export interface FrameReading {
  readonly cut: Cut;
  readonly terminal: boolean;
}

/** Takes the frames of one stream in order; holds the merged answer, not the frames, and no more of it than its bound. */
export interface Assembler {
  /** The answer has outgrown the bound: from here on only what bills it is kept. */
  readonly outgrown: boolean;
  push(frame: Buffer): FrameReading;
  finish(): WholeAnswer;
}

/** `authorization` carries the credential as a bearer token, `x-api-key` as it is. */
export type CredentialHeader = 'authorization' | 'x-api-key';

export interface Protocol {
  /** Names the operation in the identity and in ledger lines; never changes. */
  readonly id: string;
  /** Below the provider's base URL. */
  readonly upstreamPath: string;
  /** Where the provider looks for its credential. @default 'authorization' */
  readonly credentialHeader?: CredentialHeader;
  /** Body members that choose the form of the answer, not its content. */
  readonly omittedFromIdentity: readonly (readonly string[])[];
  /** Throws `LlmError` for a body that no provider of this protocol could answer. */
  readRequest(body: unknown): RequestFacts;
  /** The request by which the provider is asked to stream, with usage. Null: it is asked in the client's own form. */
  readonly streamedRequest: ((body: JsonObject) => Buffer) | null;
  /** `maxBytes` bounds the merged answer, as JSON; `facts` are those of the request. */
  assembler(maxBytes: number, facts?: RequestFacts): Assembler;
  /**
   * Reads an answer that came as JSON; `facts` are those of the request. The bytes are kept verbatim. Null when they are not
   * such an answer at all.
   */
  readWhole(bytes: Buffer, facts?: RequestFacts): WholeAnswer | null;
  /** The frames that the provider would have streamed; null when that cannot be done so that reading them gives the answer back. */
  synthesise(answer: Buffer): RecordedFrame[] | null;
  errorBody(error: LlmError): Buffer;
  /** An error of the provider that it did not put into this shape itself. */
  foreignErrorBody(status: number, code: string, message: string): Buffer;
  errorEvent(error: LlmError): Buffer;
}
