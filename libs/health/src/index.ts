export { HealthModule, type HealthAsyncOptions } from './health.module.js';
export type { HealthLog, HealthOptions } from './health-options.js';
export { CallInstruments } from './metrics/call-instruments.js';
export { CacheInstruments } from './metrics/cache-instruments.js';
export {
  BreakerInstruments,
  LockInstruments,
  OperationInstruments,
  OutboxInstruments,
} from './metrics/coordination-instruments.js';
export { GatewayInstruments } from './metrics/gateway-instruments.js';
export { JobInstruments } from './metrics/job-instruments.js';
export { LimitInstruments } from './metrics/limit-instruments.js';
export { LedgerInstruments, type LedgerBacklog } from './metrics/ledger-instruments.js';
export { McpInstruments } from './metrics/mcp-instruments.js';
export { SemanticInstruments } from './metrics/semantic-instruments.js';
export { MetricsRegistry } from './metrics/metrics-registry.js';
export type {
  Condition,
  DatabaseProbe,
  HealthContributor,
  RedisEndpoint,
  RedisRole,
  RedisServers,
  UpstreamKind,
} from './probes/dependencies.js';
export { DatabaseHealth } from './probes/database-health.js';
export { explainEviction } from './redis/eviction-policy.js';
export type { EvictionFinding } from './redis/eviction-policy.js';
export { RedisHealth } from './redis/redis-health.js';
export type { RedisReport } from './redis/redis-health.js';
export { HealthSummary } from './summary/health-summary.js';
export type { HealthStatus, HealthSummaryReport } from './summary/health-summary.js';
export { Readiness } from './summary/readiness.js';
export type { Phase } from './summary/readiness.js';
