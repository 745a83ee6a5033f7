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
  type SavingsModuleAsyncOptions,
  type SavingsModuleOptions,
} from './ledger/ledger.module.js';
export type { LedgerObserver, LineKind } from './ledger/ledger-observer.js';
export { LedgerReconciler, type ReconcilerOptions } from './ledger/ledger-reconciler.js';
export { MemoryLedger, type RememberedCall } from './ledger/memory-ledger.js';
export { readOpenAiUsage } from './ledger/openai-usage.js';
export {
  OverriddenPrices,
  type Override,
  type OverridingAmounts,
  type PriceOverrides,
} from './prices/overridden-prices.js';
export { PriceTable, type Prices } from './prices/price-table.js';
export type { NotePrices } from './prices/prices.controller.js';
export { StoredPrices } from './prices/stored-prices.js';
export type { LedgerReader } from './ledger/ledger-reader.js';

// The gateway: provider-compatible routes in front of the cache.
export { LlmCacheModule, type LlmCacheAsyncOptions } from './llm-cache.module.js';
export { GatewayService, type LlmCacheOptions } from './http/gateway-service.js';
export { RefusedByProviderError } from './generations/generation-errors.js';
export { GenerationRequestError } from './generations/generation-request.js';
export { AnswerKeys, type KeyedRequest } from './gateway/answer-keys.js';
export { attributionOf, type Caller, type CallerOf } from './http/caller.js';
export type { LlmCacheObserver } from './http/llm-cache-observer.js';
export { LedgerResponseMakers } from './ledger/response-makers.js';
export type { ResponseMaker, ResponseMakers } from './ledger/response-makers.js';
export type { PolicySource, UpstreamDirectory, UpstreamQuestion } from './gateway/directories.js';
export { DEFAULT_FLIGHT, type FlightBounds } from './flight/flight-bounds.js';
export type { FlightObserver } from './flight/flight-observer.js';
export {
  DEFAULT_POLICY,
  PolicyTable,
  type CachePolicy,
  type PolicyMatch,
  type PolicyMode,
  type PolicyShare,
  type PolicySubject,
  type SemanticPolicy,
} from './request/policy.js';
export { Embedders, type EmbedderSettings, type EmbeddingEndpoint } from './semantic/embedders.js';
export { DEFAULT_SEMANTIC, type SemanticSettings } from './semantic/semantic-settings.js';
export type { SemanticObserver } from './semantic/semantic-observer.js';
export type { NotStored } from './stored/storage-rules.js';
export { upstreamService } from './upstream/guarded-upstream.js';
export { DEFAULT_UPSTREAM, type UpstreamSettings, type UpstreamTarget } from './upstream/upstream-client.js';

// Which answers are kept, for how long and for whom: stored, and in force in every process.
export {
  PoliciesModule,
  type PoliciesModuleAsyncOptions,
  type PoliciesModuleOptions,
} from './policies/policies.module.js';
export type { PolicyAct, PolicyActor } from './policies/policies.js';
export { PolicyDirectory } from './policies/policy-directory.js';
export { POLICY_MIGRATIONS } from './policies/policy-migrations.js';

// Whether models can be had.
export { ModelInfoModule, type ModelInfoAsyncOptions, type ModelInfoOptions } from './model-info/model-info.module.js';
export { ModelInfos } from './model-info/model-infos.js';

// What other layers need to answer on those routes in the provider's shape.
export { LlmError, type LlmErrorCode } from './protocol/llm-error.js';
export { openAiErrorBody, type OpenAiErrorBody } from './protocol/openai-error.js';
