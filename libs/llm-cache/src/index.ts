// The ledger: what was spent, what was avoided.
export {
  type Attribution,
  type CallCause,
  type CallFacts,
  type CallOutcome,
  type HitFacts,
  type Intent,
  Ledger,
  type RequestFacts,
  type ReuseKind,
  type Usage,
} from './ledger/ledger.js';
export { DurableLedger, type DurableLedgerOptions, type LedgerState } from './ledger/durable-ledger.js';
export { LedgerUnavailable } from './ledger/ledger-errors.js';
export { ledgerMigrations } from './ledger/ledger-migrations.js';
export {
  LedgerModule,
  type LedgerModuleAsyncOptions,
  type LedgerModuleOptions,
  SavingsModule,
  type SavingsModuleOptions,
} from './ledger/ledger.module.js';
export type { LedgerObserver, LineKind } from './ledger/ledger-observer.js';
export { LedgerReconciler, type ReconcilerOptions } from './ledger/ledger-reconciler.js';
export { MemoryLedger, type RememberedCall } from './ledger/memory-ledger.js';
export { readOpenAiUsage } from './ledger/openai-usage.js';
export type { LedgerReader } from './ledger/savings.js';
