import { LlmError } from '../protocol/llm-error.js';
import { failureOf } from './upstream-failure.js';

export interface CallClocks {
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
}

/**
 * The clocks of one call: the whole of it, and silence inside the answer. Silence counts only while we wait for the
 * provider, not while a slow reader makes us pause.
 */
export class CallWatch {
  readonly #caller: AbortSignal;
  readonly #abort: (reason: Error) => void;
  readonly #idleMs: number;
  readonly #whole: NodeJS.Timeout;
  readonly #callerLeft = (): void => this.#abort(this.#caller.reason as Error);
  #ranOut: LlmError | null = null;
  #answering = false;

  /** @param abort called when the caller gives up, or one of the clocks has run out */
  constructor(caller: AbortSignal, { timeoutMs, idleTimeoutMs }: CallClocks, abort: (reason: Error) => void) {
    this.#caller = caller;
    this.#abort = abort;
    this.#idleMs = idleTimeoutMs;
    this.#whole = setTimeout(() => {
      this.#runOut(`The provider did not finish its answer within ${timeoutMs} ms.`);
    }, timeoutMs);
    if (caller.aborted) this.#callerLeft();
    else caller.addEventListener('abort', this.#callerLeft, { once: true });
  }

  answering(): void {
    this.#answering = true;
  }

  end(): void {
    clearTimeout(this.#whole);
    this.#caller.removeEventListener('abort', this.#callerLeft);
  }

  /** The bytes as they come, ended by whichever clock runs out first; the socket is let go in every case. */
  async *guard(body: AsyncIterator<Buffer, undefined>): AsyncGenerator<Buffer, void, undefined> {
    let waiting = false;
    // Restarted before each wait and never cleared in between: a timer that was cleared does not start again.
    const silence = setTimeout(() => {
      if (waiting) this.#runOut(`The provider was silent for ${this.#idleMs} ms in the middle of its answer.`);
    }, this.#idleMs);
    try {
      for (;;) {
        waiting = true;
        silence.refresh();
        const next = await body.next();
        waiting = false;
        if (next.done === true) return;
        yield next.value;
      }
    } catch (thrown) {
      throw this.explain(thrown);
    } finally {
      clearTimeout(silence);
      this.end();
      await body.return?.();
    }
  }

  /** The clock that ended the call, or the caller's own reason, comes before whatever the socket said about it. */
  explain(thrown: unknown): LlmError {
    if (this.#ranOut !== null) return this.#ranOut;
    const { aborted, reason } = this.#caller;
    if (aborted && reason instanceof LlmError) return reason;
    return failureOf(thrown, this.#answering ? 'answering' : 'connecting');
  }

  #runOut(message: string): void {
    this.#ranOut = new LlmError('upstream_timeout', message);
    this.#abort(this.#ranOut);
  }
}
