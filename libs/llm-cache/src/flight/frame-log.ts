/**
 * The frames of one answer while it is being received, read by any number of readers at their own pace.
 *
 * Invariants
 * 1. Every reader gets every frame once, in order, from the first on, and then the end or the error that ended the log.
 * 2. While all frames fit into `retainBytes`, nobody waits for anybody: a slow reader only falls behind.
 * 3. Beyond that the log is a window: what all readers have read is dropped, nobody can begin to read any more, and the
 *    writer waits for the slowest (`room`), but for no longer than `stallMs`; then that reader is put off.
 * So memory is bounded by `retainBytes` and `windowBytes`, whatever readers do.
 */
import { LlmError } from '../protocol/llm-error.js';
import type { RecordedFrame } from '../stream/recording.js';

export interface FrameLogBounds {
  readonly retainBytes: number;
  readonly windowBytes: number;
  readonly stallMs: number;
}

export const DEFAULT_FRAME_LOG: FrameLogBounds = Object.freeze({
  retainBytes: 8 * 1024 * 1024,
  windowBytes: 1024 * 1024,
  stallMs: 30_000,
});

export class FrameLog {
  readonly #bounds: FrameLogBounds;
  readonly #readers = new Set<FrameReader>();
  #frames: RecordedFrame[] = [];
  /** How many frames were dropped before `#frames[0]`. */
  #dropped = 0;
  #bytes = 0;
  #windowed = false;
  #end: { readonly error: LlmError | null } | null = null;
  #roomMade: (() => void) | null = null;

  constructor(bounds: FrameLogBounds = DEFAULT_FRAME_LOG) {
    this.#bounds = bounds;
  }

  /** All frames from the first on; null once some had to be dropped. */
  get whole(): readonly RecordedFrame[] | null {
    return this.#windowed ? null : this.#frames;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(frame: RecordedFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.raw.length;
    if (this.#bytes > this.#bounds.retainBytes) this.#windowed = true;
    if (this.#windowed) this.#slide();
    this.#wake();
  }

  end(error: LlmError | null): void {
    this.#end ??= { error };
    this.#wake();
  }

  /** Null when the beginning is no longer there. */
  reader(): FrameReader | null {
    if (this.#windowed) return null;
    const reader = new FrameReader(this.#access());
    this.#readers.add(reader);
    return reader;
  }

  /** Null: go on writing. Else wait, so that slow readers set the pace of what no longer fits. */
  room(): Promise<void> | null {
    if (!this.#windowed || this.#bytes <= this.#bounds.windowBytes) return null;
    return new Promise((resolve) => {
      const stalled = setTimeout(() => {
        this.#putOffTheSlowest();
        // Should others be nearly as slow, the writer asks again.
        this.#roomMade?.();
      }, this.#bounds.stallMs);
      this.#roomMade = () => {
        clearTimeout(stalled);
        this.#roomMade = null;
        resolve();
      };
    });
  }

  #access(): LogAccess {
    return {
      from: (position) => this.#frames.slice(position - this.#dropped),
      end: () => this.#end,
      moved: () => {
        if (this.#windowed) this.#slide();
      },
      closed: (reader) => {
        this.#readers.delete(reader);
        if (this.#windowed) this.#slide();
      },
    };
  }

  #slide(): void {
    let slowest = this.#dropped + this.#frames.length;
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.position);
    while (this.#dropped < slowest) {
      this.#bytes -= (this.#frames.shift() as RecordedFrame).raw.length;
      this.#dropped += 1;
    }
    if (this.#bytes <= this.#bounds.windowBytes) this.#roomMade?.();
  }

  #putOffTheSlowest(): void {
    const slowest = Math.min(...[...this.#readers].map((reader) => reader.position));
    for (const reader of this.#readers) {
      if (reader.position === slowest) {
        reader.putOff(new LlmError('overloaded', 'The answer was read too slowly to be kept for this reader.'));
      }
    }
  }

  #wake(): void {
    for (const reader of this.#readers) reader.wake();
  }
}

/** What a reader may do with its log. */
interface LogAccess {
  from(position: number): RecordedFrame[];
  end(): { readonly error: LlmError | null } | null;
  moved(): void;
  closed(reader: FrameReader): void;
}

export class FrameReader {
  readonly #log: LogAccess;
  #position = 0;
  #closed = false;
  #putOff: LlmError | null = null;
  #waiting: (() => void) | null = null;

  constructor(log: LogAccess) {
    this.#log = log;
  }

  /** How many frames were read. */
  get position(): number {
    return this.#position;
  }

  /**
   * All frames that have come since the last time, at least one; null at the end.
   * @throws LlmError which ended the answer, once all frames before it have been read
   */
  async next(): Promise<RecordedFrame[] | null> {
    for (;;) {
      if (this.#putOff !== null) throw this.#putOff;
      if (this.#closed) return null;
      const frames = this.#log.from(this.#position);
      if (frames.length > 0) {
        this.#position += frames.length;
        this.#log.moved();
        return frames;
      }
      const end = this.#log.end();
      if (end !== null) {
        if (end.error !== null) throw end.error;
        return null;
      }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#log.closed(this);
    this.wake();
  }

  putOff(error: LlmError): void {
    this.#putOff = error;
    this.close();
  }

  wake(): void {
    this.#waiting?.();
    this.#waiting = null;
  }
}
