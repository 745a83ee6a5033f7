/**
 * A flight that another process leads, followed here once for all local passengers.
 *
 * - Until the leader has said anything, nothing is lost by starting over: when its lease is not to be seen any more, the
 *   passengers are told `again` and open the cache anew, where they find the answer, follow the next leader or lead.
 * - After its first word a leader that falls silent has died: the passengers get an error, and nothing was stored.
 * - A Redis that is away for a while is waited for: a living leader tells everything again when it is back.
 */
import { Wake } from '@promptsales/cache-core';
import { RedisUnavailableError } from '@promptsales/cache-core';
import { LlmError } from '../protocol/llm-error.js';
import type { Assembler, Protocol, RequestFacts } from '../protocol/protocol.js';
import type { AnswerFlight } from './answer-flight.js';
import { Broadcast, type Opening, type Passenger } from './broadcast.js';
import type { FlightBounds } from './flight-bounds.js';
import { decodeEntry, type LiveEntry } from './live-entry.js';
import type { LiveTransport } from './live-transport.js';
import { wholeReply } from './whole-reply.js';

export interface FollowerTimes {
  /** How often the leader is told that it is followed. */
  readonly announceMs: number;
  /** How long to wait for a wake-up before looking anyway. */
  readonly lookMs: number;
  /** How long a leader that has begun may be missing. */
  readonly missingMs: number;
  /** How long to wait for Redis in the middle of an answer. */
  readonly patienceMs: number;
}

export const DEFAULT_FOLLOWER: FollowerTimes = Object.freeze({
  announceMs: 1500,
  lookMs: 250,
  missingMs: 8000,
  patienceMs: 20_000,
});

const RETRY_MS = 100;

export interface Following {
  /** The lease under which the flight is led. */
  readonly token: string;
  /** The process that leads it. */
  readonly leader: string;
  readonly protocol: Protocol;
  readonly facts: RequestFacts;
  /** Whether the lease still stands, so far as Redis says. */
  readonly stillLed: () => Promise<boolean>;
}

/** What a follower needs of the transport. */
type Hearing = Pick<LiveTransport, 'announce' | 'onWake' | 'read'>;

export class RemoteFlight implements AnswerFlight {
  readonly done: Promise<void>;
  readonly broadcast: Broadcast;
  readonly #following: Following;
  readonly #transport: Hearing;
  readonly #processId: string;
  readonly #times: FollowerTimes;
  /** Told of what was not foreseen. */
  readonly #failed: (error: unknown) => void;
  readonly #assembler: Assembler;
  readonly #wake = new Wake();
  #opening: Extract<Opening, { kind: 'stream' | 'json' }> | null = null;
  #framesTaken = 0;
  #over = false;
  /** The leader will not tell all of it, so following it again would end the same way. */
  #tooLong = false;

  constructor(
    following: Following,
    transport: Hearing,
    processId: string,
    bounds: FlightBounds,
    times: FollowerTimes,
    failed: (error: unknown) => void,
  ) {
    this.#following = following;
    this.#transport = transport;
    this.#processId = processId;
    this.#times = times;
    this.#failed = failed;
    this.#assembler = following.protocol.assembler(bounds.maxAnswerBytes, following.facts);
    this.broadcast = new Broadcast(bounds, () => this.giveUp());
    this.done = this.#fly();
  }

  readonly withoutRedis = false;
  readonly called = false;
  /** Its leader stores. */
  readonly storing = null;

  get overgrown(): boolean {
    return this.#tooLong || this.broadcast.overgrown;
  }

  board(wants: 'frames' | 'whole'): Passenger | null {
    return this.broadcast.board(wants);
  }

  giveUp(): void {
    this.broadcast.giveUp();
    this.#over = true;
    this.#wake.ring();
  }

  async #fly(): Promise<void> {
    let stopListening = (): void => undefined;
    try {
      stopListening = await this.#listen();
      await this.#follow();
    } catch (error) {
      this.#failed(error);
      if (this.#opening === null) this.#end({ kind: 'again' });
      else this.#break('The answer could not be followed.');
    } finally {
      stopListening();
      void this.#announce(true).catch(this.#failed);
    }
  }

  async #listen(): Promise<() => void> {
    try {
      return await this.#transport.onWake(this.#following.token, () => this.#wake.ring());
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      // Without wake-ups it looks at its own pace.
      return () => undefined;
    }
  }

  async #follow(): Promise<void> {
    let after = 0;
    let announcedAt = Number.NEGATIVE_INFINITY;
    /** Since when the leader is not to be seen, or Redis cannot be asked. */
    let missingSince: number | null = null;
    let troubleSince: number | null = null;
    let leaseEnded = false;

    while (!this.#over) {
      try {
        if (performance.now() - announcedAt >= this.#times.announceMs) {
          // A leader that did not listen yet is told again at the next look.
          if (await this.#announce(false)) announcedAt = performance.now();
        }
        const { entries, exists } = await this.#transport.read(this.#following.token, after);
        troubleSince = null;
        if (exists) missingSince = null;
        else missingSince ??= performance.now();
        for (const { position, kind, data } of entries) {
          after = position;
          this.#take(decodeEntry(kind, data));
        }
        for (let room = this.broadcast.room(); room !== null; room = this.broadcast.room()) await room;
        if (entries.length > 0) continue;
        if (this.#opening === null) {
          if (leaseEnded) {
            this.#end({ kind: 'again' });
          } else if (!(await this.#following.stillLed())) {
            // A refusal is told right before its lease ends, perhaps since we have read.
            leaseEnded = true;
            continue;
          }
        } else if (missingSince !== null && performance.now() - missingSince > this.#times.missingMs) {
          this.#break('The process that received the answer is gone.');
        }
        if (!this.#over) await this.#wake.orAfter(this.#times.lookMs);
      } catch (error) {
        if (!(error instanceof RedisUnavailableError)) throw error;
        troubleSince ??= performance.now();
        if (this.#opening === null) await this.#waitOutside();
        else if (performance.now() - troubleSince > this.#times.patienceMs)
          this.#break('The answer could not be followed.');
        else await this.#wake.orAfter(RETRY_MS);
      }
    }
  }

  /** The leader cannot be heard, but its lease may be seen, and later its answer in the cache: no call of our own is needed. */
  async #waitOutside(): Promise<void> {
    if (await this.#following.stillLed()) await this.#wake.orAfter(this.#times.lookMs * (0.75 + Math.random() / 2));
    else this.#end({ kind: 'again' });
  }

  /** @returns false when the leader did not hear it */
  async #announce(leaving: boolean): Promise<boolean> {
    const { token, leader } = this.#following;
    try {
      return await this.#transport.announce(leader, { token, process: this.#processId, leaving });
    } catch (error) {
      // It is said again; a leader that hears nothing for a while knows that nobody follows.
      if (!(error instanceof RedisUnavailableError)) throw error;
      return false;
    }
  }

  #take(entry: LiveEntry | null): void {
    if (this.#over) return;
    if (entry === null) {
      this.#break('The process that receives the answer speaks another version.');
      return;
    }
    switch (entry.kind) {
      case 'opening':
        this.#open(entry.opening);
        return;
      case 'frames':
        this.#takeFrames(entry);
        return;
      case 'body':
        this.#takeBody(entry.body);
        return;
      case 'end':
        this.#takeEnd(entry);
    }
  }

  #open(opening: Opening): void {
    if (this.#opening !== null) return;
    if (opening.kind === 'stream' || opening.kind === 'json') {
      this.#opening = opening;
      this.broadcast.begin(opening);
    } else {
      this.#tooLong = opening.kind === 'again';
      this.#end(opening);
    }
  }

  /** What was told before is told again after a loss of Redis, perhaps cut differently. */
  #takeFrames({ first, frames }: Extract<LiveEntry, { kind: 'frames' }>): void {
    for (const frame of frames.slice(Math.max(0, this.#framesTaken - first))) {
      this.#framesTaken += 1;
      const { terminal } = this.#assembler.push(frame.raw);
      this.broadcast.frame(frame);
      if (!terminal) continue;
      // The leader's own word for it comes later; a reader who leaves in between has had the whole answer.
      this.#takeEnd({ kind: 'end', error: null, again: false });
      return;
    }
  }

  #takeBody(body: Buffer): void {
    if (this.#opening?.kind !== 'json') return;
    const { protocol, facts } = this.#following;
    if (this.#opening.streamable) for (const frame of protocol.synthesise(body) ?? []) this.broadcast.frame(frame);
    const whole = protocol.readWhole(body, facts);
    if (whole !== null) this.broadcast.complete(wholeReply(whole, this.#opening, false));
  }

  #takeEnd({ error, again }: Extract<LiveEntry, { kind: 'end' }>): void {
    this.#over = true;
    if (again) {
      this.#tooLong = true;
      this.broadcast.complete({ kind: 'again' });
      this.broadcast.end(new LlmError('upstream_died', 'The answer cannot be followed to its end.'));
      return;
    }
    if (error === null && this.#opening?.kind === 'stream') {
      this.broadcast.complete(wholeReply(this.#assembler.finish(), this.#opening, false));
    }
    this.broadcast.end(error);
  }

  #end(opening: Opening): void {
    this.#over = true;
    this.broadcast.begin(opening);
  }

  #break(message: string): void {
    this.#over = true;
    this.broadcast.end(new LlmError('upstream_died', message));
  }
}
