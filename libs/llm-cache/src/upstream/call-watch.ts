import type { Readable } from 'node:stream';
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
  /** Aborts the call: the caller's own signal, or one of the clocks. */
  readonly signal: AbortSignal;
  readonly #caller: AbortSignal;
  readonly #own = new AbortController();
  readonly #idleMs: number;
  readonly #whole: NodeJS.Timeout;
  #answering = false;

  constructor(caller: AbortSignal, { timeoutMs, idleTimeoutMs }: CallClocks) {
    this.#caller = caller;
    this.#idleMs = idleTimeoutMs;
    this.signal = AbortSignal.any([caller, this.#own.signal]);
    this.#whole = setTimeout(() => {
      this.#own.abort(
        new LlmError('upstream_timeout', `The provider did not finish its answer within ${timeoutMs} ms.`),
      );
    }, timeoutMs);
  }

  answering(): void {
    this.#answering = true;
  }

  end(): void {
    clearTimeout(this.#whole);
  }

  /** The bytes as they come, ended by whichever clock runs out first; the socket is let go in every case. */
  async *guard(body: Readable): AsyncGenerator<Buffer, void, undefined> {
    let waiting = false;
    // Restarted before each wait and never cleared in between: a timer that was cleared does not start again.
    const silence = setTimeout(() => {
      if (!waiting) return;
      this.#own.abort(
        new LlmError('upstream_timeout', `The provider was silent for ${this.#idleMs} ms in the middle of its answer.`),
      );
    }, this.#idleMs);
    const chunks = body.iterator() as NodeJS.AsyncIterator<Buffer, undefined>;
    try {
      for (;;) {
        waiting = true;
        silence.refresh();
        const next = await chunks.next();
        waiting = false;
        if (next.done === true) return;
        yield next.value;
      }
    } catch (thrown) {
      throw this.explain(thrown);
    } finally {
      clearTimeout(silence);
      this.end();
      body.destroy();
    }
  }

  /** The clock that ended the call, or the caller's own reason, comes before whatever the socket said about it. */
  explain(thrown: unknown): LlmError {
    for (const { aborted, reason } of [this.#own.signal, this.#caller]) {
      if (aborted && reason instanceof LlmError) return reason;
    }
    return failureOf(thrown, this.#answering ? 'answering' : 'connecting');
  }
}
