import type { DatabaseProbe } from './dependencies.js';
import { Freshly } from './freshly.js';
import { within } from './within.js';

export interface DatabaseReport {
  readonly state: 'connected' | 'disconnected';
  readonly pingMs: number | null;
  readonly reason: string | null;
}

const ASK_WITHIN_MS = 400;
const FRESH_FOR_MS = 500;

/** Asks PostgreSQL for a sign of life, in bounded time. */
export class DatabaseHealth {
  readonly #probe: DatabaseProbe;
  readonly #report = new Freshly(FRESH_FOR_MS, () => this.#ask());

  constructor(probe: DatabaseProbe) {
    this.#probe = probe;
  }

  report(): Promise<DatabaseReport> {
    return this.#report.get();
  }

  async #ask(): Promise<DatabaseReport> {
    const began = performance.now();
    try {
      await within(this.#probe.ping(ASK_WITHIN_MS), ASK_WITHIN_MS + 50);
      return { state: 'connected', pingMs: Math.round((performance.now() - began) * 100) / 100, reason: null };
    } catch (error) {
      return { state: 'disconnected', pingMs: null, reason: error instanceof Error ? error.message : String(error) };
    }
  }
}
