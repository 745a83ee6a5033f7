/**
 * The body of an answer, read once for two: for the caller, and to be kept.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. As long as it is to be kept it is read at the service's pace: neither a slow caller nor one who leaves holds it up for
 *    those who wait for it.
 * 2. No more than `mostBytes` are held. What is longer is not kept, and from then on is read at the caller's pace.
 * 3. It is whole, and in time, or it is not kept.
 */
import type { Bytes } from '../upstream/upstream-client.js';

export interface RecordingBounds {
  readonly mostBytes: number;
  /** Bytes that all recordings of the process may hold together. */
  readonly budget: RecordingBudget;
  /** What takes longer is not kept. */
  readonly withinMs: number;
}

/** What all recordings share. */
export class RecordingBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}

export class Recording {
  readonly #source: AsyncIterator<Buffer>;
  readonly #bounds: RecordingBounds;
  readonly #ended = Promise.withResolvers<Buffer | null>();
  #chunks: Buffer[] = [];
  #held = 0;
  #state: 'recording' | 'passing' | 'ended' = 'recording';
  #failure: Error | null = null;
  #callerLeft = false;
  #wake: (() => void) | null = null;

  constructor(source: AsyncIterable<Buffer>, bounds: RecordingBounds) {
    this.#source = source[Symbol.asyncIterator]();
    this.#bounds = bounds;
    void this.#record();
  }

  /** The whole body; null when it is not to be kept. Never rejects. */
  get whole(): Promise<Buffer | null> {
    return this.#ended.promise;
  }

  /** For the one caller. Throws what broke the answer off. */
  forCaller(): Bytes {
    const bytes = this.#bytes();
    const caller: Bytes = {
      next: () => bytes.next(),
      return: async () => {
        this.leave();
        return bytes.return();
      },
      [Symbol.asyncIterator]: () => caller,
    };
    return caller;
  }

  async *#bytes(): AsyncGenerator<Buffer, void, undefined> {
    let at = 0;
    try {
      while (!this.#callerLeft) {
        const chunk = this.#chunks[at];
        if (chunk !== undefined) {
          at += 1;
          yield chunk;
        } else if (this.#state === 'recording') {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        } else {
          break;
        }
      }
      if (this.#callerLeft) return;
      this.#chunks = [];
      this.#release();
      if (this.#state === 'passing') yield* this.#rest();
      if (this.#failure !== null) throw this.#failure;
    } finally {
      this.leave();
    }
  }

  /** The caller reads no more. What is not to be kept is read no further. */
  leave(): void {
    this.#callerLeft = true;
    if (this.#state === 'passing') this.#stop();
    if (this.#state === 'ended') this.#release();
    this.#rouse();
  }

  async #record(): Promise<void> {
    const { mostBytes, budget, withinMs } = this.#bounds;
    const untilMs = performance.now() + withinMs;
    try {
      for (;;) {
        const next = await this.#source.next();
        if (next.done === true) break;
        this.#chunks.push(next.value);
        const { length } = next.value;
        const late = performance.now() > untilMs;
        if (late || this.#held + length > mostBytes || !budget.take(length)) {
          this.#pass();
          return;
        }
        this.#held += length;
        this.#rouse();
      }
      this.#end(Buffer.concat(this.#chunks));
    } catch (error) {
      this.#failure = error as Error;
      this.#end(null);
    }
  }

  #pass(): void {
    this.#state = 'passing';
    // What its caller has not read yet is still held.
    if (this.#callerLeft) this.#release();
    this.#ended.resolve(null);
    if (this.#callerLeft) this.#stop();
    this.#rouse();
  }

  #end(whole: Buffer | null): void {
    this.#state = 'ended';
    // A slow caller still holds them.
    if (this.#callerLeft) this.#release();
    this.#ended.resolve(whole);
    this.#rouse();
  }

  async *#rest(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true) break;
      yield next.value;
    }
    this.#state = 'ended';
  }

  #release(): void {
    this.#bounds.budget.giveBack(this.#held);
    this.#held = 0;
    if (this.#callerLeft) this.#chunks = [];
  }

  #stop(): void {
    this.#state = 'ended';
    this.#chunks = [];
    // The service is hung up on; nobody is left to hear how it ends.
    void Promise.resolve(this.#source.return?.()).catch(() => undefined);
  }

  #rouse(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
