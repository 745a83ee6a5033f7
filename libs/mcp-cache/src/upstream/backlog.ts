/**
 * What a process has said and its client has not read yet, stream by stream.
 *
 * A process talks on one pipe, and it serves one session. Above a bound of bytes the pipe is not read, so that the process waits,
 * not our memory grows. As long as that keeps nobody waiting but the client who reads slowly, it lasts as long as he likes. But
 * what comes behind it in the pipe may be for others: for the same client's other requests, and for whoever shares the answer
 * to one of them. When an answer has been waited for through `patienceMs` of a pipe that stands still, the stream that holds most
 * is hung up on. Nothing is ever left out of a stream that goes on.
 */
import { UpstreamError } from './upstream.js';

/** Whose reading is suspended. */
export interface Pipe {
  pause(): void;
  resume(): void;
}

export interface BacklogBounds {
  readonly mostBytes: number;
  /** How long an answer is waited for behind what somebody does not read. */
  readonly patienceMs: number;
}

export const DEFAULT_BACKLOG: BacklogBounds = Object.freeze({ mostBytes: 4 * 1024 * 1024, patienceMs: 10_000 });

export class Backlog {
  readonly #pipe: Pipe;
  readonly #bounds: BacklogBounds;
  readonly #streams = new Set<HeldStream>();
  #bytes = 0;
  #standing: NodeJS.Timeout | undefined;

  constructor(pipe: Pipe, bounds: BacklogBounds = DEFAULT_BACKLOG) {
    this.#pipe = pipe;
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param answers it ends with an answer that somebody waits for; else it is listened to for whatever may come
   * @param hungUp its reader gets nothing more, be he there or not
   */
  open(answers: boolean, hungUp: () => void): HeldStream {
    const stream = new HeldStream(answers, {
      changed: (bytes) => this.#changed(bytes),
      gone: () => this.#streams.delete(stream),
      hungUp,
    });
    this.#streams.add(stream);
    return stream;
  }

  #changed(bytes: number): void {
    this.#bytes += bytes;
    const full = this.#bytes > this.#bounds.mostBytes;
    if (full === (this.#standing !== undefined)) return;
    if (full) {
      this.#pipe.pause();
      this.#standStill();
    } else {
      clearTimeout(this.#standing);
      this.#standing = undefined;
      this.#pipe.resume();
    }
  }

  #standStill(): void {
    this.#standing = setTimeout(() => {
      this.#standStill();
      this.#hangUp();
    }, this.#bounds.patienceMs);
    this.#standing.unref();
  }

  #hangUp(): void {
    const streams = [...this.#streams];
    const most = streams.reduce((one, other) => (other.bytes > one.bytes ? other : one));
    if (streams.some((stream) => stream !== most && stream.waits)) most.hangUp();
  }
}

interface StreamEvents {
  readonly changed: (bytes: number) => void;
  readonly gone: () => void;
  readonly hungUp: () => void;
}

/** One reader reads it. */
export class HeldStream implements AsyncIterable<Buffer> {
  readonly #answers: boolean;
  readonly #events: StreamEvents;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #end: { readonly error: Error | null } | undefined;
  #awaited: PromiseWithResolvers<void> | undefined;

  constructor(answers: boolean, events: StreamEvents) {
    this.#answers = answers;
    this.#events = events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Its answer is waited for. */
  get waits(): boolean {
    return this.#answers && this.#end === undefined && this.#bytes === 0;
  }

  push(chunk: Buffer): void {
    if (this.#end !== undefined) return;
    this.#chunks.push(chunk);
    this.#count(chunk.length);
    this.#awaited?.resolve();
  }

  /** What is held of it is read first. */
  end(error: Error | null = null): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#awaited?.resolve();
  }

  /** Its reader gets nothing more of it. */
  hangUp(): void {
    const error = new UpstreamError('upstream_broke_off', 'What the MCP server says was read too slowly.');
    this.#end = { error };
    this.leave();
    this.#events.hungUp();
    this.#awaited?.resolve();
  }

  /** Nobody reads it any more. */
  leave(): void {
    this.end();
    this.#chunks = [];
    this.#events.gone();
    this.#count(-this.#bytes);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#count(-chunk.length);
        yield chunk;
        continue;
      }
      if (this.#end !== undefined) {
        this.#events.gone();
        if (this.#end.error !== null) throw this.#end.error;
        return;
      }
      this.#awaited = Promise.withResolvers();
      await this.#awaited.promise;
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (bytes !== 0) this.#events.changed(bytes);
  }
}
