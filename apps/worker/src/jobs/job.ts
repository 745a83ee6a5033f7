/** A piece of work that the worker does again and again. It may be cut off at any point, so each run must be safe to repeat. */
export interface Job {
  /** From a closed set: it names metrics, log lines and the lock. */
  readonly name: string;
  readonly everyMs: number;
  /** Figures for the log: what was done. */
  run(): Promise<Readonly<Record<string, number>>>;
}

/** What became of one turn. */
export type Turn =
  | 'done'
  | 'failed'
  /** Another worker has it at the moment. */
  | 'elsewhere'
  /** Our own run before has not ended. */
  | 'still_running';
