/**
 * The ledger's port: what a request path tells it, and nothing of how lines are kept.
 *
 * - What was paid and what was avoided never meet: an upstream call is `begin` → `settle` and is the only thing that can be
 *   spent; an answer that came from somewhere else (the cache, another request's flight) is `reused` and is the only thing
 *   that can be avoided.
 * - Unknown is not zero: every count that the provider did not give is `null`, and a line whose price or usage is not known
 *   has no cost at all.
 */

/**
 * What a provider reported for one answer. Counts are whole tokens; `null` is "the provider did not say".
 *
 * `inputTokens` and `outputTokens` are totals: cached, cache-written, audio and image tokens are part of `inputTokens`, and
 * reasoning, audio and image tokens part of `outputTokens`, as OpenAI counts them. A protocol that counts them beside each
 * other (Anthropic's `cache_read_input_tokens`) adds them up in its adapter. A class that is `null` was not reported and is
 * priced as what it is part of.
 */
export interface Usage {
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly cacheWrite5mTokens: number | null;
  readonly cacheWrite1hTokens: number | null;
  readonly audioInputTokens: number | null;
  readonly imageInputTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly audioOutputTokens: number | null;
  readonly imageOutputTokens: number | null;
  /** Images that were made, where the provider bills them by the piece and counts no tokens; else absent or `null`. */
  readonly images?: number | null;
  /** True where the provider bills more than this counts: searches, runs of its own tools, further samplings. */
  readonly billedBeside?: boolean;
}

/** For whom a request was made. The optional four come from `x-user-id`, `x-cliente-id`, `x-campana-id` and `x-segmento`. */
export interface Attribution {
  readonly tenant: string;
  readonly keyId: string;
  readonly client: string;
  readonly userId: string | null;
  readonly clienteId: string | null;
  readonly campanaId: string | null;
  readonly segmento: string | null;
}

/** What was asked of whom, the same for a call and for a hit, so that both fall into the same group of a report. */
export interface RequestFacts extends Attribution {
  /** The route as it is documented, e.g. `/v1/chat/completions`. */
  readonly route: string;
  /** The provider whose prices hold, e.g. `openai`: also for the simulated provider, whose lines carry `simulated`. */
  readonly provider: string;
  /** The model that the request named. */
  readonly model: string;
  readonly simulated: boolean;
  /** The request's identity (hex SHA-256), never its text. */
  readonly identity: string;
}

/** Why the upstream was called. Only `request` counts as a request of a client; the others are calls made beside one. */
export type CallCause = 'request' | 'retry' | 'refresh' | 'exploration';

export interface CallFacts extends RequestFacts {
  /** @default 'request' */
  readonly cause?: CallCause;
  /** Of the request for which it is made, by which its receipt is found. */
  readonly requestId?: string | null;
}

export interface CallOutcome {
  /** `completed`: the whole answer arrived. `failed`: refused or broken. `aborted`: we hung up. */
  readonly status: 'completed' | 'failed' | 'aborted';
  readonly usage: Usage | null;
  /** The model that the provider says has answered; it is what is priced. `null`: the one that was asked for. */
  readonly model: string | null;
  /** `null` when no response head arrived. */
  readonly httpStatus: number | null;
  /** The answer's own id, e.g. `chatcmpl-…`. */
  readonly responseId?: string | null;
  /**
   * OpenAI's `service_tier` of the answer, or what else it is priced by: of images that are billed by the piece their quality and
   * size. Absent, `null`, `default` and `auto` are the standard tier.
   */
  readonly serviceTier?: string | null;
}

/** How an answer came without a call of its own. */
export type ReuseKind = 'hit' | 'coalesced' | 'stale' | 'semantic';

export interface HitFacts extends RequestFacts {
  readonly kind: ReuseKind;
  /** The usage recorded with the answer, i.e. what the provider would have counted again. */
  readonly usage: Usage | null;
  /** The model that gave the recorded answer; `null`: the one that was asked for. */
  readonly answeredModel: string | null;
  readonly responseId?: string | null;
  readonly serviceTier?: string | null;
  /** This request's id, by which its receipt is found. */
  readonly requestId?: string | null;
  /** Age of the reused answer in whole seconds; `null` when it is still being made. */
  readonly ageSeconds?: number | null;
  /** A call was made, too, whose line counts the request: for the rest of the answer, or in vain (`stale`). */
  readonly part?: boolean;
}

/** An upstream call that has begun. It ends with one of `settle` and `withdraw`; what comes after that changes nothing. */
export interface Intent {
  /** UUID (version 7) of the ledger line. */
  readonly id: string;
  /** Ends the line. Synchronous, never throws. */
  settle(outcome: CallOutcome): void;
  /** The call was not made: there is no line. Synchronous, never throws; see `CallJournal` for when that is written. */
  withdraw(): void;
}

/** Nest's token and the type in one. */
export abstract class Ledger {
  /**
   * Writes the intent and resolves once it is durable, so that no call can be paid for without a line. When PostgreSQL does
   * not answer within the ledger's deadline the intent is spooled and the call may go on.
   *
   * @throws {LedgerUnavailable} when the spool is full: the call must not be made.
   */
  abstract begin(call: CallFacts): Promise<Intent>;

  /** Books an answer that needed no call of its own. Synchronous, O(1), never throws; written within a second. */
  abstract reused(hit: HitFacts): void;
}
