/**
 * One answer under way, given to all who wait for it in this process, each in the form that he asked for.
 *
 * Whoever feeds it (the leader from the provider, a follower from Redis) calls `begin` once, then `frame` any number of
 * times, `complete` with the JSON form, and `end`. A passenger may come at any time until the end and misses nothing.
 * When the last passenger leaves before the end, or is put off because he reads too slowly, `deserted` is called, and from then
 * on nobody is let on board.
 */
import type { LlmError } from '../protocol/llm-error.js';
import type { AnswerFacts } from '../protocol/protocol.js';
import type { RecordedFrame } from '../stream/recording.js';
import { FrameLog, type FrameLogBounds, type FrameReader } from './frame-log.js';

type Headers = Readonly<Record<string, string>>;

/** How an answer begins. */
export type Opening =
  | { readonly kind: 'stream'; readonly status: number; readonly headers: Headers }
  /** The provider answers JSON though it was asked to stream; frames follow only where they can be synthesised. */
  | { readonly kind: 'json'; readonly status: number; readonly headers: Headers; readonly streamable: boolean }
  | Refusal
  | Failure
  | Again;

/** The JSON form, whole. */
export type Whole =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Headers;
      readonly body: Buffer;
      readonly facts: AnswerFacts;
      /** Known to be in the cache now. */
      readonly stored: boolean;
    }
  | Refusal
  | Failure
  | Again;

/** The provider's own error, passed on as it came. */
export interface Refusal {
  readonly kind: 'refused';
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface Failure {
  readonly kind: 'failed';
  readonly error: LlmError;
}

/** Nothing came, and nobody is at fault: ask the cache anew. */
export interface Again {
  readonly kind: 'again';
}

export interface Passenger {
  readonly opening: Promise<Opening>;
  readonly whole: Promise<Whole>;
  /** Frames as they come; null for a passenger who wants the whole. */
  readonly frames: Pick<FrameReader, 'next'> | null;
  /** Has not left. Frames end for one who has, wherever he was. */
  readonly aboard: boolean;
  /** To be called in any case, once. */
  leave(): void;
}

export class Broadcast {
  readonly #log: FrameLog;
  readonly #deserted: () => void;
  readonly #opening = Promise.withResolvers<Opening>();
  readonly #whole = Promise.withResolvers<Whole>();
  #passengers = 0;
  #givenUp = false;
  #ended = false;
  #opened = false;

  constructor(bounds: FrameLogBounds, deserted: () => void) {
    this.#log = new FrameLog(bounds);
    this.#deserted = deserted;
  }

  get log(): FrameLog {
    return this.#log;
  }

  get opening(): Promise<Opening> {
    return this.#opening.promise;
  }

  get whole(): Promise<Whole> {
    return this.#whole.promise;
  }

  /** Who wait for more of it: nobody who was put off. */
  get passengers(): number {
    return this.#passengers;
  }

  /** Something has been said that cannot be taken back. */
  get opened(): boolean {
    return this.#opened;
  }

  /** It is too late to read it from the beginning, though it goes on. */
  get overgrown(): boolean {
    return this.#log.whole === null;
  }

  /** Null when the beginning cannot be had any more, or the flight was given up because nobody waited for it. */
  board(wants: 'frames' | 'whole'): Passenger | null {
    if (this.#givenUp) return null;
    let waits = true;
    const waitsNoMore = (): void => {
      if (!waits) return;
      waits = false;
      this.#passengers -= 1;
      if (this.#passengers === 0 && !this.#ended) this.#deserted();
    };
    const frames = wants === 'frames' ? this.#log.reader(waitsNoMore) : null;
    if (wants === 'frames' && frames === null) return null;
    this.#passengers += 1;
    let aboard = true;
    return {
      opening: this.#opening.promise,
      whole: this.#whole.promise,
      frames,
      get aboard() {
        return aboard;
      },
      leave: () => {
        if (!aboard) return;
        aboard = false;
        frames?.close();
        waitsNoMore();
      },
    };
  }

  begin(opening: Opening): void {
    this.#opened = true;
    this.#opening.resolve(opening);
    if (opening.kind !== 'stream' && opening.kind !== 'json') {
      this.#whole.resolve(opening);
      this.end(opening.kind === 'failed' ? opening.error : null);
    }
  }

  frame(frame: RecordedFrame): void {
    this.#log.append(frame);
  }

  /** See `FrameLog.room`. */
  room(): Promise<void> | null {
    return this.#log.room();
  }

  complete(whole: Whole): void {
    this.#whole.resolve(whole);
  }

  end(error: LlmError | null): void {
    this.#ended = true;
    this.#log.end(error);
    if (error === null) return;
    // Whatever has not been said yet is now this.
    this.#opening.resolve({ kind: 'failed', error });
    this.#whole.resolve({ kind: 'failed', error });
  }

  /** Lets nobody on board any more. */
  giveUp(): void {
    this.#givenUp = true;
  }
}
