import { setTimeout as pause } from 'node:timers/promises';
import type { Cache } from '../cache/cache.js';
import type { OperationFacts, OperationRef, OperationState, OperationTable } from './operation-table.js';
import type { PatternProgress } from './pattern-invalidation.js';

export interface OperationEnd {
  /** `handed_over`: another process carries it out, or will. */
  readonly state: 'done' | 'cancelled' | 'failed' | 'handed_over';
  readonly progress: PatternProgress;
}

export interface OperationGround {
  readonly cache: Cache;
  readonly table: OperationTable;
  readonly heartbeatMs: number;
  trouble(error: unknown): void;
}

type Stop = 'cancelled' | 'handed_over';

/** One operation as this process carries it out, from the moment on which its record names this process as its owner. */
export class RunningOperation {
  /** Never rejects. */
  readonly ended: Promise<OperationEnd>;
  readonly #ref: OperationRef;
  readonly #facts: OperationFacts;
  readonly #ground: OperationGround;
  readonly #stopping = new AbortController();
  #progress: PatternProgress;
  /** How many deletions its record knows of. */
  #told: number;

  constructor(ref: OperationRef, facts: OperationFacts, ground: OperationGround) {
    this.#ref = ref;
    this.#facts = facts;
    this.#ground = ground;
    this.#progress = facts.progress;
    this.#told = facts.progress.deleted;
    this.ended = this.#carryOut();
  }

  cancel(): void {
    this.#stop('cancelled');
  }

  /** Resolves when it has stopped. */
  async handOver(): Promise<void> {
    this.#stop('handed_over');
    await this.ended;
  }

  #stop(how: Stop): void {
    this.#stopping.abort(how);
  }

  async #carryOut(): Promise<OperationEnd> {
    const { cache } = this.#ground;
    const { glob, dryRun } = this.#facts;
    const { signal } = this.#stopping;
    const beating = this.#beat();
    let state: OperationEnd['state'] = 'done';
    try {
      const onProgress = (progress: PatternProgress): void => {
        this.#progress = progress;
      };
      const before = this.#facts.progress;
      this.#progress = await cache.invalidateMatching(glob, { dryRun, signal, onProgress, before });
    } catch (error) {
      if (signal.aborted && error === signal.reason) {
        state = signal.reason as Stop;
      } else {
        state = 'failed';
        this.#ground.trouble(error);
      }
    }
    // Ends the beating, whatever became of the walk.
    if (!signal.aborted) this.#stopping.abort(state);
    await beating;
    await this.#record(state);
    return { state, progress: this.#progress };
  }

  /** Says that it goes on, until it does not, and hears whether it should. */
  async #beat(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await pause(this.#ground.heartbeatMs, undefined, { signal, ref: false }).catch((error: Error) => {
        if (error.name !== 'AbortError') this.#ground.trouble(error);
      });
      if (signal.aborted) return;
      try {
        this.#obey(await this.#tell((facts) => this.#ground.table.keep(this.#ref, facts)));
      } catch (error) {
        this.#ground.trouble(error);
      }
    }
  }

  #obey(state: OperationState | 'other' | 'none'): void {
    if (state === 'cancelling') this.#stop('cancelled');
    // `none`: Redis lost the record. It goes on, so that what was asked for is done; nobody can follow it any more.
    else if (state !== 'running' && state !== 'none') this.#stop('handed_over');
  }

  /** That it has ended here. When that cannot be said, others begin it anew. */
  async #record(ended: OperationEnd['state']): Promise<void> {
    const { table } = this.#ground;
    try {
      if (ended === 'handed_over') {
        await this.#tell((facts) => table.release(this.#ref, facts));
        return;
      }
      await this.#tell((facts) => table.keep(this.#ref, { ...facts, ended }));
      await table.close(this.#ref.key);
    } catch (error) {
      this.#ground.trouble(error);
    }
  }

  /** What was deleted counts, whoever owns the operation by now. */
  async #tell<T>(write: (facts: OperationFacts) => Promise<T>): Promise<T> {
    const progress = this.#progress;
    const answer = await write({
      ...this.#facts,
      progress,
      untold: this.#facts.dryRun ? 0 : progress.deleted - this.#told,
    });
    this.#told = progress.deleted;
    return answer;
  }
}
