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
export { LedgerUnavailable } from './ledger/ledger-errors.js';
export { MemoryLedger, type RememberedCall } from './ledger/memory-ledger.js';
export { readOpenAiUsage } from './ledger/openai-usage.js';
