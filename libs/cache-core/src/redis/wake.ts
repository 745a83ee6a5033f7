/**
 * Waits for what others announce by a ring, which may get lost: whoever waits looks again at a pace of its own, and sooner
 * when it rings. A ring that came before the waiting began counts.
 */
export class Wake {
  #rung = false;
  #waiting: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiting?.();
  }

  /** Also ends when `signal` aborts. */
  async orAfter(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#rung && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal?.addEventListener('abort', done);
        this.#waiting = done;
      });
    }
    this.#rung = false;
    this.#waiting = undefined;
  }
}
