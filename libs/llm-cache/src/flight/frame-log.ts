/**
 * The frames of one answer while it is being received, read by any number of readers at their own pace.
 *
 * Invariants
 * 1. Every reader gets every frame once, in order, from the first on, and then the end or the error that ended the log;
 *    or he is put off with an error of his own.
 * 2. While all frames fit into `retainBytes`, nobody waits for anybody: a slow reader only falls behind.
 * 3. Beyond that the log is a window: what all readers have read is dropped, and nobody can begin to read any more. The
 *    fastest reader sets the pace of the writer (`room`), and nobody but the writer waits for anybody: who falls behind the
 *    fastest by more than the log may hold is put off, and so is who takes nothing for `stallMs` while the writer waits.
 * So memory is bounded by `retainBytes` (and one frame), whatever readers do, and no reader holds up another one.
 */
import { LlmError } from '../protocol/llm-error.js';
import type { RecordedFrame } from '../stream/recording.js';

export interface FrameLogBounds {
  /** The most that is held, for those who come late or read slowly. */
  readonly retainBytes: number;
  /** So far the writer may be ahead of the fastest reader, once the beginning is dropped. */
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
  /** Of all frames ever. */
  #written = 0;
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

  get isRead(): boolean {
    return this.#readers.size > 0;
  }

  append(frame: RecordedFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.raw.length;
    this.#written += frame.raw.length;
    if (this.#bytes > this.#bounds.retainBytes) this.#windowed = true;
    if (this.#windowed) {
      this.#slide();
      // Not when somebody reads: until the fastest has made room for this frame, the others had as much time as he.
      while (this.#bytes > this.#bounds.retainBytes && this.#putOffStragglers());
    }
    this.#wake();
  }

  end(error: LlmError | null): void {
    this.#end ??= { error };
    this.#wake();
  }

  /**
   * Null when the beginning is no longer there.
   * @param putOff told when the reader is put off, which he himself learns only when he reads on
   */
  reader(putOff: () => void = () => undefined): FrameReader | null {
    if (this.#windowed) return null;
    const reader = new FrameReader(this.#access(), putOff);
    this.#readers.add(reader);
    return reader;
  }

  /** Null: go on writing. Else wait, so that the fastest reader sets the pace of what no longer fits. */
  room(): Promise<void> | null {
    if (this.#hasRoom()) return null;
    return new Promise((resolve) => {
      const before = new Map([...this.#readers].map((reader) => [reader, reader.position]));
      const stalled = setTimeout(() => {
        for (const [reader, position] of before) if (reader.position === position) reader.putOff(tooSlow());
        // Should those who are left be nearly as slow, the writer asks again.
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
      from: (position, mostBytes) => this.#from(position - this.#dropped, mostBytes),
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

  #from(first: number, mostBytes: number): RecordedFrame[] {
    let end = first;
    for (let bytes = 0; end < this.#frames.length; end += 1) {
      bytes += (this.#frames[end] as RecordedFrame).raw.length;
      if (bytes > mostBytes && end > first) break;
    }
    return this.#frames.slice(first, end);
  }

  /** Drops what all have read. */
  #slide(): void {
    const slowest = Math.min(this.#dropped + this.#frames.length, ...this.#positions());
    for (const { raw } of this.#frames.splice(0, slowest - this.#dropped)) this.#bytes -= raw.length;
    this.#dropped = slowest;
    if (this.#hasRoom()) this.#roomMade?.();
  }

  /** Puts off who is the slowest, and so lets the log slide on. @returns false where nobody is slower than another */
  #putOffStragglers(): boolean {
    const positions = this.#positions();
    const slowest = Math.min(...positions);
    if (slowest >= Math.max(...positions)) return false;
    for (const reader of this.#readers) if (reader.position === slowest) reader.putOff(tooSlow());
    return true;
  }

  #positions(): number[] {
    return [...this.#readers].map(({ position }) => position);
  }

  #hasRoom(): boolean {
    if (!this.#windowed || this.#readers.size === 0) return true;
    let fastest = 0;
    for (const { bytes } of this.#readers) fastest = Math.max(fastest, bytes);
    return this.#written - fastest <= this.#bounds.windowBytes;
  }

  #wake(): void {
    for (const reader of this.#readers) reader.wake();
  }
}

/** What a reader may do with its log. */
interface LogAccess {
  from(position: number, mostBytes: number): RecordedFrame[];
  end(): { readonly error: LlmError | null } | null;
  moved(): void;
  closed(reader: FrameReader): void;
}

function tooSlow(): LlmError {
  return new LlmError('overloaded', 'The answer was read too slowly to be kept for this reader.');
}

export class FrameReader {
  readonly #log: LogAccess;
  readonly #toldPutOff: () => void;
  #position = 0;
  #bytes = 0;
  #closed = false;
  #putOff: LlmError | null = null;
  #waiting: (() => void) | null = null;

  constructor(log: LogAccess, toldPutOff: () => void) {
    this.#log = log;
    this.#toldPutOff = toldPutOff;
  }

  /** How many frames were read. */
  get position(): number {
    return this.#position;
  }

  /** How many bytes were read. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The frames that have come since the last time, at least one and as many as fit into `mostBytes`; null at the end.
   * @throws LlmError which ended the answer, once all frames before it have been read
   */
  async next(mostBytes = Number.POSITIVE_INFINITY): Promise<RecordedFrame[] | null> {
    for (;;) {
      if (this.#putOff !== null) throw this.#putOff;
      if (this.#closed) return null;
      const frames = this.#log.from(this.#position, mostBytes);
      if (frames.length > 0) {
        this.#position += frames.length;
        for (const { raw } of frames) this.#bytes += raw.length;
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
    this.#toldPutOff();
  }

  wake(): void {
    this.#waiting?.();
    this.#waiting = null;
  }
}
