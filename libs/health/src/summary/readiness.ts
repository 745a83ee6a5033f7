export type Phase = 'starting' | 'ready' | 'draining';

/**
 * Whether this process should be sent requests. It is about this process alone: what all processes share (Redis, PostgreSQL)
 * would take all of them out of service at the same moment, and with them everything that works without it.
 */
export class Readiness {
  #phase: Phase = 'starting';

  get phase(): Phase {
    return this.#phase;
  }

  started(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  /** There is no way back: a process that drains ends. */
  draining(): void {
    this.#phase = 'draining';
  }
}
