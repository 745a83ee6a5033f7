/** What a server says to one client while its answer is awaited. */
export class Interim {
  readonly #began = Promise.withResolvers<undefined>();
  #frames: Buffer[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  /** Resolves with the first of it. */
  get begun(): Promise<undefined> {
    return this.#began.promise;
  }

  add(frame: Buffer): void {
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
   * @param answer never rejects
   */
  async *followedBy(answer: Promise<{ readonly body: Buffer }>): AsyncGenerator<Buffer> {
    for (;;) {
      const frames = this.#frames;
      this.#frames = [];
      yield* frames;
      if (this.#frames.length > 0) continue;
      if (this.#ended) break;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const { body } = await answer;
    yield Buffer.concat([Buffer.from('event: message\ndata: '), body, Buffer.from('\n\n')]);
  }
}
