/**
 * The flight that calls the provider: one call, whoever waits for it.
 *
 * Invariants
 * 1. The ledger has the call's intent before the provider is called, and the intent is settled however the call ends.
 * 2. The leadership ends with exactly one `fill` or `release`, and `done` resolves only after it: while the lease stands,
 *    whoever reads its token finds this flight.
 * 3. Who has seen the end of an answer finds it in the cache. Its fill is under way to Redis before its last event leaves; until
 *    that is confirmed the lease stands, so whoever asks meanwhile comes upon this flight and is sent to look again (`storing`).
 *    The JSON form says whether it is stored, and so waits for that, `holdMs` at most.
 * 4. The call goes on for as long as anybody waits, here or in another process, whoever asked first; when nobody is
 *    left, it is aborted, and nothing is stored.
 */
import { setImmediate as turnsEnd } from 'node:timers/promises';
import type { FillResult, Leadership, Permit } from '@promptsales/cache-core';
import { LedgerUnavailable } from '../ledger/ledger-errors.js';
import type { CallFacts, CallOutcome, Intent, Ledger } from '../ledger/ledger.js';
import { isCutShort } from '../protocol/cut-short.js';
import { LlmError, toLlmError } from '../protocol/llm-error.js';
import { NO_FACTS, type WholeAnswer } from '../protocol/protocol.js';
import { whyNotStored } from '../stored/storage-rules.js';
import { encodeRecording, type RecordedFrame } from '../stream/recording.js';
import { FrameTooLargeError, SseSplitter } from '../stream/sse-frames.js';
import type { Asked, Asker, Question } from '../upstream/asker.js';
import { collect } from '../upstream/upstream-body.js';
import { readable, unauthorizedIn } from '../upstream/refusal.js';
import type { UpstreamResponse } from '../upstream/upstream-client.js';
import type { AnswerFlight } from './answer-flight.js';
import { Beginning } from './beginning.js';
import { Broadcast, type Passenger } from './broadcast.js';
import type { FlightBounds } from './flight-bounds.js';
import type { FlightObserver } from './flight-observer.js';
import { fillingOf, type Keeping } from './keep-answer.js';
import { answerTooLarge, wholeReply } from './whole-reply.js';

export interface Leading {
  readonly question: Omit<Question, 'signal' | 'onRefused' | 'permit'>;
  readonly keeping: Keeping;
  readonly call: CallFacts;
  readonly leadership: Leadership;
  /** Where it was begun before the lease was there. */
  readonly beginning?: Beginning | null;
}

export interface LeaderTools {
  readonly asker: Asker;
  readonly ledger: Ledger;
  readonly bounds: FlightBounds;
  readonly observer: FlightObserver;
}

/** For calls that share nothing and store nothing. */
export const NO_LEADERSHIP: Leadership = Object.freeze({
  token: '',
  canStore: false,
  fill: () => Promise.resolve<FillResult>('dropped'),
  prolong: () => null,
  release: () => Promise.resolve(),
});

/** For the bytes between the terminal event and the end of the body. */
const DRAIN_MS = 500;

type Answered = Extract<UpstreamResponse, { kind: 'stream' | 'json' }>;
type Settled = Pick<CallOutcome, 'usage' | 'model' | 'httpStatus' | 'responseId' | 'serviceTier'> & {
  readonly ok: boolean;
};

export class LeaderFlight implements AnswerFlight {
  readonly done: Promise<void>;
  readonly broadcast: Broadcast;
  readonly #leading: Leading;
  readonly #tools: LeaderTools;
  readonly #abort = new AbortController();
  readonly #began = performance.now();
  /** Followers in other processes; see LiveMirror. */
  #awaitedElsewhere: () => boolean = () => false;
  #intent: Intent | null = null;
  #called = false;
  #filling: Promise<FillResult> | null = null;
  #storing: Promise<boolean> | null = null;
  /** Events of an answer that came as JSON, which are made when the first comes who wants them. */
  #framesNotMade: (() => readonly RecordedFrame[] | null) | null = null;

  constructor(leading: Leading, tools: LeaderTools) {
    this.#leading = leading;
    this.#tools = tools;
    this.broadcast = new Broadcast(tools.bounds, () => this.lookWhoWaits());
    this.done = this.#fly();
  }

  get token(): string {
    return this.#leading.leadership.token;
  }

  get overgrown(): boolean {
    return this.broadcast.overgrown;
  }

  get called(): boolean {
    return this.#called;
  }

  get withoutRedis(): boolean {
    return !this.#leading.leadership.canStore;
  }

  get storing(): Promise<boolean> | null {
    return this.#storing;
  }

  /** Whoever comes now still gets the answer, or its failure. */
  get joinable(): boolean {
    return !this.#abort.signal.aborted;
  }

  board(wants: 'frames' | 'whole'): Passenger | null {
    if (wants === 'frames' && this.#framesNotMade !== null) {
      for (const frame of this.#framesNotMade() ?? []) this.broadcast.frame(frame);
      this.#framesNotMade = null;
    }
    return this.broadcast.board(wants);
  }

  mirroredFor(awaited: () => boolean): void {
    this.#awaitedElsewhere = awaited;
  }

  /** Gives the call up when nobody is left who waits for it. */
  lookWhoWaits(): void {
    if (this.broadcast.passengers > 0 || this.#awaitedElsewhere()) return;
    this.giveUp(new LlmError('upstream_died', 'Nobody waits for this answer any more.'));
  }

  giveUp(reason: LlmError): void {
    this.broadcast.giveUp();
    this.#abort.abort(reason);
  }

  async #fly(): Promise<void> {
    let settled: Settled | null = null;
    let permit: Permit | null = null;
    try {
      const { question, call } = this.#leading;
      const beginning = this.#leading.beginning ?? new Beginning(question.target, call, this.#tools);
      const begun = await beginning.begun;
      permit = begun.permit;
      if (this.#abort.signal.aborted) {
        begun.intent.withdraw();
        throw this.#abort.signal.reason;
      }
      this.#intent = begun.intent;
      this.#called = true;
      const asked = await this.#tools.asker.ask({
        ...this.#leading.question,
        permit,
        signal: this.#abort.signal,
        onRefused: (refused) => this.#callAgain(refused),
      });
      settled = await this.#answer(asked);
    } catch (thrown) {
      permit?.settle('unknown');
      const error = asLlmError(thrown);
      if (error.code === 'internal_error') this.#tools.observer.failed?.(thrown);
      this.#fail(error);
    }
    const aborted = this.#abort.signal.aborted && settled?.ok !== true;
    this.#settle(settled, aborted ? 'aborted' : settled?.ok === true ? 'completed' : 'failed');
    // What is left of a call that went wrong is nobody's: its connection is closed now.
    if (settled?.ok !== true) this.#abort.abort(new LlmError('upstream_died', 'The call has ended.'));
    await (this.#filling ?? this.#leading.leadership.release()).catch((error: unknown) => {
      this.#tools.observer.failed?.(error);
    });
  }

  /** The first call was refused for its form; the next one gets a line of its own. */
  async #callAgain(refused: UpstreamResponse): Promise<void> {
    this.#settle({ ...NO_FACTS, httpStatus: 'status' in refused ? refused.status : null, ok: false }, 'failed');
    this.#intent = await this.#tools.ledger.begin({ ...this.#leading.call, cause: 'retry' });
  }

  #settle(settled: Settled | null, status: CallOutcome['status']): void {
    if (this.#intent === null) return;
    const { usage = null, model = null, httpStatus = null, responseId = null, serviceTier = null } = settled ?? {};
    this.#intent.settle({ status, usage, model, httpStatus, responseId, serviceTier });
    this.#intent = null;
    this.#tools.observer.upstream?.(status, (performance.now() - this.#began) / 1000);
  }

  async #answer({ response, usageAsked }: Asked): Promise<Settled> {
    if (response.kind === 'failed') {
      this.#fail(response.error);
      return { ...NO_FACTS, httpStatus: null, ok: false };
    }
    if (response.kind === 'refused') {
      const unauthorized = unauthorizedIn(response);
      if (unauthorized !== null) {
        this.#tools.observer.failed?.(unauthorized);
        this.#fail(unauthorized);
      } else {
        const { protocol } = this.#leading.question;
        this.broadcast.begin(
          readable(response, (code, message) => protocol.foreignErrorBody(response.status, code, message)),
        );
      }
      return { ...NO_FACTS, httpStatus: response.status, ok: false };
    }
    return response.kind === 'stream' ? this.#stream(response, usageAsked) : this.#json(response);
  }

  async #stream(response: Answered, usageAsked: boolean): Promise<Settled> {
    const chunks = response.bytes[Symbol.asyncIterator]();
    try {
      return await this.#readStream(chunks, response, usageAsked);
    } catch (error) {
      // Its socket and its clocks are let go where its reading stops, not when its time is over.
      await chunks.return?.();
      throw error;
    }
  }

  async #readStream(chunks: AsyncIterator<Buffer>, response: Answered, usageAsked: boolean): Promise<Settled> {
    const splitter = new SseSplitter(this.#tools.bounds.maxFrameBytes);
    const { protocol, facts } = this.#leading.question;
    const assembler = protocol.assembler(this.#tools.bounds.maxAnswerBytes, facts);
    let last = this.#began;
    let toldTooLarge = false;

    /** The whole answer, if this was the end of it. */
    const take = async (raw: Buffer): Promise<WholeAnswer | null> => {
      const now = performance.now();
      const { cut, terminal } = assembler.push(raw);
      // Told at once: who waits for the JSON form of an endless stream would wait, and be paid for, without end.
      if (assembler.outgrown && !toldTooLarge) {
        toldTooLarge = true;
        this.broadcast.complete({ kind: 'failed', error: answerTooLarge() });
      }
      const frame = { raw, cut, afterMicros: (now - last) * 1000 };
      last = now;
      if (!this.broadcast.opened) {
        this.broadcast.begin({ kind: 'stream', status: response.status, headers: response.headers });
      }
      if (terminal) {
        // Who reads the stream has what came before it meanwhile: to merge and to pack a long answer takes milliseconds.
        if (this.broadcast.log.isRead) await turnsEnd();
        return this.#finish(assembler.finish(), response, frame, usageAsked);
      }
      this.broadcast.frame(frame);
      return null;
    };

    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      for (const raw of splitter.push(next.value)) {
        const whole = await take(raw);
        if (whole === null) continue;
        void this.#drain(chunks);
        return settledBy(whole, response.status);
      }
      for (let room = this.broadcast.room(); room !== null; room = this.broadcast.room()) await room;
    }
    const rest = splitter.finish();
    const whole = rest === null || isCutShort(rest) ? null : await take(rest);
    if (!this.broadcast.opened) {
      throw new LlmError('upstream_invalid_response', 'The provider announced a stream of events and sent none.');
    }
    return settledBy(whole ?? (await this.#finish(assembler.finish(), response, null, usageAsked)), response.status);
  }

  /** Reads what may follow the terminal event, so that the connection can be used again; not for long. */
  async #drain(chunks: AsyncIterator<Buffer>): Promise<void> {
    const enough = setTimeout(() => this.#abort.abort(new LlmError('upstream_died', 'The answer is over.')), DRAIN_MS);
    try {
      for (let next = await chunks.next(); next.done !== true;) next = await chunks.next();
    } catch {
      // The answer is whole and told; only its connection cannot be used again.
    } finally {
      clearTimeout(enough);
    }
  }

  async #json(response: Answered): Promise<Settled> {
    const { protocol, facts } = this.#leading.question;
    const body = await collect(response.bytes, this.#tools.bounds.maxAnswerBytes);
    const whole = protocol.readWhole(body, facts);
    if (whole === null) {
      throw new LlmError('upstream_invalid_response', 'The provider sent JSON that is no answer to this request.');
    }
    let made: readonly RecordedFrame[] | null | undefined;
    const frames = (): readonly RecordedFrame[] | null => {
      if (made === undefined) made = protocol.synthesise(body);
      return made;
    };
    this.broadcast.begin({
      kind: 'json',
      status: response.status,
      headers: response.headers,
      get streamable() {
        return frames() !== null;
      },
    });
    const asked = this.broadcast.log.isRead ? frames() : null;
    for (const frame of asked?.slice(0, -1) ?? []) this.broadcast.frame(frame);
    // To make them can take longer than all else that is done with an answer, and hardly anybody wants them.
    if (asked === null) this.#framesNotMade = frames;
    await this.#finish(whole, response, asked?.at(-1) ?? null, true);
    return settledBy(whole, response.status);
  }

  /** Stores what is whole, then says its last word to all. */
  async #finish(
    whole: WholeAnswer,
    response: Answered,
    last: RecordedFrame | null,
    usageAsked: boolean,
  ): Promise<WholeAnswer> {
    // Before it first waits, the fill has been sent.
    const keeping = this.#keep(whole, response, last, usageAsked).catch((error: unknown) => {
      // What a fill fails with is told where it is awaited. The answer is whole and paid for, kept or not.
      if (this.#filling === null) this.#tools.observer.failed?.(error);
      return false;
    });
    this.#storing = keeping;
    if (last !== null) this.broadcast.frame(last);
    const reply = wholeReply(whole, response, false);
    // Without a last event the reader of a stream would take a part for the whole; what the provider said itself he has read.
    const brokeOff = last === null && reply.kind === 'failed' && whole.defect !== 'in_band_error';
    this.broadcast.end(brokeOff ? reply.error : null);
    this.broadcast.complete(wholeReply(whole, response, await keeping));
    return whole;
  }

  async #keep(
    said: WholeAnswer,
    response: Answered,
    last: RecordedFrame | null,
    usageAsked: boolean,
  ): Promise<boolean> {
    const { keeping, leadership, question } = this.#leading;
    const { bounds, observer } = this.#tools;
    const recording = this.#recording(response, last, usageAsked);
    const whole = said.jsonDiffers === true ? { ...said, json: null } : said;
    const grownTooLong = this.broadcast.log.whole === null;
    const why = whyNotStored({
      policyAllows: keeping.policyAllows,
      noStore: keeping.noStore,
      serverTools: question.facts.serverTools,
      status: response.status,
      defect: whole.defect,
      bytes: grownTooLong ? null : (whole.json?.length ?? 0) + (recording?.length ?? 0),
      maxBytes: bounds.maxStoredBytes,
      forms: Number(whole.json !== null) + Number(recording !== null),
    });
    if (why !== null || !leadership.canStore) {
      observer.kept?.(why ?? 'dropped');
      return false;
    }
    const loadCostMs = performance.now() - this.#began;
    const filling = leadership.fill(fillingOf({ whole, recording, usageAsked, loadCostMs }, keeping));
    this.#filling = filling;
    void filling.then((result) => observer.kept?.(result), notedWhenItIsAwaited);
    return (await withinHold(filling, bounds.holdMs)) === 'stored';
  }

  #recording(response: Answered, last: RecordedFrame | null, usageAsked: boolean): Buffer | null {
    const frames = this.broadcast.log.whole;
    // Frames that were made of JSON can be made again.
    if (frames === null || last === null || response.kind === 'json') return null;
    return encodeRecording([...frames, last], { usageAsked, synthesised: false });
  }

  #fail(error: LlmError): void {
    if (this.broadcast.opened) this.broadcast.end(error);
    else this.broadcast.begin({ kind: 'failed', error });
  }
}

function settledBy(whole: WholeAnswer, httpStatus: number): Settled {
  const broken =
    whole.defect === 'no_terminal_event' || whole.defect === 'in_band_error' || whole.defect === 'unreadable';
  return { ...whole.facts, httpStatus, ok: !broken };
}

function notedWhenItIsAwaited(): void {}

/** What whoever waits for a call is told of what has ended it. */
export function asLlmError(thrown: unknown): LlmError {
  if (thrown instanceof LedgerUnavailable) {
    return new LlmError('ledger_unavailable', 'The call cannot be accounted for at the moment, so it is not made.', {
      retryAfterSeconds: thrown.retryAfterSeconds,
      cause: thrown,
    });
  }
  if (thrown instanceof FrameTooLargeError) {
    return new LlmError('upstream_too_large', 'The provider sent an event that is too large to be passed on.', {
      cause: thrown,
    });
  }
  return toLlmError(thrown);
}

async function withinHold<T>(work: Promise<T>, holdMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const hold = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, holdMs, null);
  });
  try {
    return await Promise.race([work, hold]);
  } finally {
    clearTimeout(timer);
  }
}
