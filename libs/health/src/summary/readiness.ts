export type Phase = 'starting' | 'ready' | 'draining';

/**
 * Whether this process should be sent requests. It is about this process alone: what all processes share (Redis, PostgreSQL)
 * would take all of them out of service at the same moment, and with them everything that works without it.
 */
export class Readiness {
  #phase: Phase = 'starting';
  readonly #ending = new AbortController();

  get phase(): Phase {
    return this.#phase;
  }

  started(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  /** Aborted when it drains: what would be served without end is to end now. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** There is no way back: a process that drains ends. */
  draining(): void {
    this.#phase = 'draining';
    this.#ending.abort(new Error('the process drains'));
  }
}
