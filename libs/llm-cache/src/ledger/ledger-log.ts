import { Logger } from '@nestjs/common';
import type { LedgerObserver } from './ledger-observer.js';

/** Says in the log what an operator must know, once per change and not once per line; and passes everything on. */
export function withLog(observer: LedgerObserver, logger: Logger = new Logger('Ledger')): LedgerObserver {
  let dropped = 0;
  const complete: Required<LedgerObserver> = {
    intentBegun: (milliseconds, how) => observer.intentBegun?.(milliseconds, how),
    linesWritten: (kind, lines, milliseconds) => observer.linesWritten?.(kind, lines, milliseconds),
    databaseSilent(cause): void {
      logger.warn(`PostgreSQL does not answer (${reasonOf(cause)}): lines wait in this process until it does.`);
      observer.databaseSilent?.(cause);
    },
    databaseAnswers(waitingLines): void {
      logger.log(`PostgreSQL answers again; ${waitingLines} lines are being written.`);
      if (dropped > 0)
        logger.error(`${dropped} hits found no room meanwhile: their savings are missing from the ledger.`);
      dropped = 0;
      observer.databaseAnswers?.(waitingLines);
    },
    hitsDropped(hits): void {
      dropped += hits;
      observer.hitsDropped?.(hits);
    },
    lineRejected(kind, cause): void {
      logger.error(`PostgreSQL refuses a ${kind} line for what is in it (${reasonOf(cause)}); the line is given up.`);
      observer.lineRejected?.(kind, cause);
    },
  };
  return complete;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
