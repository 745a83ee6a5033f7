/**
 * The leader's side of a flight that other processes follow: tells it, as it happens, in a Redis stream.
 *
 * - Telling begins when the first follower asks, from the first frame on, and ends when nobody follows any more.
 * - Frames leave in batches: at once after a pause, else at most every `flushMs`.
 * - The stream's short time to live, renewed with every entry and in every pause, says that the leader is alive. When the
 *   stream was lost with its Redis, the flight is told again from the beginning: it is all still here.
 * - While Redis is away no follower can be heard: who followed before counts as following, for as long as followers wait for Redis.
 * - It never holds the provider or a local reader up: one that cannot tell as fast as they read is put off like any reader.
 */
import { RedisUnavailableError } from '@promptsales/cache-core';
import { LlmError } from '../protocol/llm-error.js';
import type { RecordedFrame } from '../stream/recording.js';
import type { Broadcast, Opening } from './broadcast.js';
import type { FrameReader } from './frame-log.js';
import { encodeEntry, type LiveEntry } from './live-entry.js';
import type { LivePosition, LiveTransport } from './live-transport.js';

export interface MirrorTimes {
  readonly flushMs: number;
  readonly beatMs: number;
  /** A leader not heard of for so long is taken for dead. */
  readonly aliveMs: number;
  /** How long a finished flight can still be read. */
  readonly lingerMs: number;
  /** A follower not heard of for so long is taken for gone. */
  readonly interestMs: number;
  /** How long followers wait for Redis. */
  readonly patienceMs: number;
  readonly maxBytes: number;
}

export const DEFAULT_MIRROR: MirrorTimes = Object.freeze({
  flushMs: 10,
  beatMs: 1500,
  aliveMs: 6000,
  lingerMs: 30_000,
  interestMs: 5000,
  patienceMs: 20_000,
  maxBytes: 8 * 1024 * 1024,
});

const RETRY_MS = 200;
/** Of frames in one entry: Redis is not held up by one that is far behind. */
const BATCH_BYTES = 1024 * 1024;
const OPENING_AT = 1;

/** What a mirror needs of the transport. */
type Telling = Pick<LiveTransport, 'append'>;
type Mirrored = { readonly token: string; readonly broadcast: Broadcast };

export class LiveMirror {
  readonly #flight: Mirrored;
  readonly #transport: Telling;
  readonly #times: MirrorTimes;
  readonly #began = performance.now();
  /** Until when each process counts as following. */
  readonly #followers = new Map<string, number>();
  #lastFlush = Number.NEGATIVE_INFINITY;
  #awaited: Promise<{ readonly frames: RecordedFrame[] | null } | { readonly error: unknown }> | null = null;

  constructor(flight: Mirrored, transport: Telling, times: MirrorTimes) {
    this.#flight = flight;
    this.#transport = transport;
    this.#times = times;
  }

  follow(process: string): void {
    this.#followers.set(process, performance.now() + this.#times.interestMs);
  }

  unfollow(process: string): void {
    this.#followers.delete(process);
  }

  /** Does anybody follow? */
  get awaited(): boolean {
    const now = performance.now();
    for (const until of this.#followers.values()) if (until > now) return true;
    return false;
  }

  /**
   * Ends with the flight, or when nobody follows.
   * @throws what Redis answers when it will not take the flight
   */
  async tell(): Promise<void> {
    while (this.awaited) {
      const reader = this.#flight.broadcast.log.reader();
      try {
        const told = reader === null ? await this.#tellThatItIsTooLate() : await this.#tellAll(reader);
        if (told) return;
      } finally {
        reader?.close();
      }
    }
  }

  /** @returns false when the stream was lost and all must be told again */
  async #tellAll(reader: FrameReader): Promise<boolean> {
    this.#awaited = null;
    const opening = await this.#flight.broadcast.opening;
    if (opening.kind === 'json') return this.#tellJson(opening);
    const over = opening.kind !== 'stream';
    if (!(await this.#send(OPENING_AT, { kind: 'opening', opening }, over))) return false;
    return over || this.#tellFrames(reader);
  }

  async #tellJson(opening: Opening): Promise<boolean> {
    const whole = await this.#flight.broadcast.whole;
    if (whole.kind === 'answer' && whole.body.length > this.#times.maxBytes) return this.#tellThatItIsTooLate();
    if (!(await this.#send(OPENING_AT, { kind: 'opening', opening }, false))) return false;
    if (whole.kind !== 'answer') {
      const error = whole.kind === 'failed' ? whole.error : null;
      return this.#send(OPENING_AT + 1, { kind: 'end', error, again: error === null }, true);
    }
    if (!(await this.#send(OPENING_AT + 1, { kind: 'body', body: whole.body }, false))) return false;
    return this.#send(OPENING_AT + 2, { kind: 'end', error: null, again: false }, true);
  }

  async #tellFrames(reader: FrameReader): Promise<boolean> {
    let first = 0;
    let bytes = 0;
    for (;;) {
      let frames: RecordedFrame[] | null;
      try {
        frames = await this.#nextFrames(reader);
      } catch (thrown) {
        const error = thrown instanceof LlmError ? thrown : new LlmError('upstream_died', 'The answer broke off.');
        return this.#send(OPENING_AT + first + 1, { kind: 'end', error, again: false }, true);
      }
      if (frames === null) return this.#send(OPENING_AT + first + 1, { kind: 'end', error: null, again: false }, true);
      if (frames.length === 0) {
        if (!this.awaited) return true;
        if (!(await this.#beat())) return false;
        continue;
      }
      for (const { raw } of frames) bytes += raw.length;
      if (bytes > this.#times.maxBytes) return this.#send(OPENING_AT + first + 1, TOO_LONG, true);
      const position = OPENING_AT + first + frames.length;
      if (!(await this.#send(position, { kind: 'frames', first, frames }, false))) return false;
      first += frames.length;
    }
  }

  /** What came since the last flush; an empty batch when it is time for a sign of life. */
  async #nextFrames(reader: FrameReader): Promise<RecordedFrame[] | null> {
    const sinceFlush = performance.now() - this.#lastFlush;
    if (sinceFlush < this.#times.flushMs) await pause(this.#times.flushMs - sinceFlush);
    // A batch that is waited for when the beat comes is waited for again: frames are read once.
    this.#awaited ??= reader.next(BATCH_BYTES).then(
      (frames) => ({ frames }),
      (error: unknown) => ({ error }),
    );
    let timer: NodeJS.Timeout | undefined;
    const beat = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, this.#times.beatMs, null);
    });
    const came = await Promise.race([this.#awaited, beat]);
    clearTimeout(timer);
    if (came === null) return [];
    this.#awaited = null;
    if ('error' in came) throw came.error;
    return came.frames;
  }

  #keepFollowers(now: number): void {
    for (const [process, until] of this.#followers) if (until > now) this.follow(process);
  }

  async #tellThatItIsTooLate(): Promise<boolean> {
    return this.#send(OPENING_AT, { kind: 'opening', opening: { kind: 'again' } }, true);
  }

  #beat(): Promise<boolean> {
    return this.#append([], false, this.#times.aliveMs);
  }

  #send(position: number, entry: LiveEntry, last: boolean): Promise<boolean> {
    this.#lastFlush = performance.now();
    const afterMs = Math.round(performance.now() - this.#began);
    const told = { position, afterMs, ...encodeEntry(entry) };
    return this.#append([told], position === OPENING_AT, last ? this.#times.lingerMs : this.#times.aliveMs);
  }

  /** Through Redis's trouble, for as long as anybody follows. */
  async #append(entries: readonly LivePosition[], fromTheBeginning: boolean, ttlMs: number): Promise<boolean> {
    let troubleSince: number | null = null;
    for (;;) {
      try {
        return await this.#transport.append(this.#flight.token, entries, fromTheBeginning, ttlMs);
      } catch (error) {
        if (!(error instanceof RedisUnavailableError)) throw error;
        const now = performance.now();
        troubleSince ??= now;
        if (now - troubleSince < this.#times.patienceMs) this.#keepFollowers(now);
        if (!this.awaited) return true;
        await pause(RETRY_MS);
      }
    }
  }
}

/** Who has had nothing yet looks into the cache anew; who reads a stream is told that its end is missing. */
const TOO_LONG: LiveEntry = { kind: 'end', error: null, again: true };

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
