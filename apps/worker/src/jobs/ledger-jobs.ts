import type { Database } from '@promptsales/database';
import { LedgerReconciler } from '@promptsales/llm-cache';
import type { Job } from './job.js';

const EVERY_MS = 15_000;

/** Closes the open lines of processes that are gone: what they asked becomes *unknown*, never zero. */
export function reconcileLedger(database: Database): Job {
  const reconciler = new LedgerReconciler(database.as());
  return { name: 'ledger.reconcile', everyMs: EVERY_MS, run: () => reconciler.reconcileOrphans() };
}
