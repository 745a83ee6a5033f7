/** What the ledger tells metrics and logs. Every method is optional, synchronous and must not throw. */
export interface LedgerObserver {
  /** How long a `begin` held its call up, and whether the intent was durable then. */
  intentBegun?(milliseconds: number, how: 'durable' | 'spooled' | 'refused'): void;
  linesWritten?(kind: LineKind, lines: number, milliseconds: number): void;
  /** PostgreSQL stopped answering the ledger; told once until `databaseAnswers`. */
  databaseSilent?(cause: unknown): void;
  /** It answers again, with so many lines waiting. */
  databaseAnswers?(waitingLines: number): void;
  /** Hits for which there was no room: their money and tokens are missing from `avoided`, their number is kept. */
  hitsDropped?(hits: number): void;
  /** PostgreSQL refuses this one line for what is in it; the line is given up so that the others can be written. */
  lineRejected?(kind: LineKind, cause: unknown): void;
}

export type LineKind = 'call' | 'reuse';
