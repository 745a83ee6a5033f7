import { UpstreamError } from '../upstream/upstream.js';

/** More than any client leaves unread that still listens. */
const MOST_HELD_BYTES = 64 * 1024 * 1024;

/** What a server says to one client while its answer is awaited. */
export class Interim {
  readonly #began = Promise.withResolvers<undefined>();
  #frames: Buffer[] = [];
  #held = 0;
  #wake: (() => void) | undefined;
  #ended = false;

  /** Resolves with the first of it. */
  get begun(): Promise<undefined> {
    return this.#began.promise;
  }

  /** @throws UpstreamError when the client leaves too much unread */
  add(frame: Buffer): void {
    // The client has its answer, or has left; others may still wait for theirs.
    if (this.#ended) return;
    this.#held += frame.length;
    if (this.#held > MOST_HELD_BYTES) {
      throw new UpstreamError('upstream_too_large', 'The MCP server says more than its client reads.');
    }
    this.#frames.push(frame);
    this.#began.resolve(undefined);
    this.#wake?.();
  }

  /** There will be no more. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /**
   * All of it, and the answer behind it as the last event.
   * @param answer never rejects; null: there is none, and the client asks for it elsewhere
   */
  async *followedBy(answer: Promise<{ readonly body: Buffer } | null>): AsyncGenerator<Buffer> {
    for (;;) {
      const frames = this.#frames;
      this.#frames = [];
      this.#held = 0;
      yield* frames;
      if (this.#frames.length > 0) continue;
      if (this.#ended) break;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const told = await answer;
    if (told !== null) yield eventOf(told.body);
  }
}

/** A message as an event of a stream. */
export function eventOf(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from('event: message\ndata: '), body, Buffer.from('\n\n')]);
}
