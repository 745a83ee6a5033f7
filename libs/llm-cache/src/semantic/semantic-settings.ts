import type { EmbedderSettings } from './embedders.js';
import type { PoolBounds } from './evidence-pools.js';
import type { PartitionBounds } from './partition-index.js';

export interface SemanticSettings {
  /** For all that is done before the provider is asked instead. */
  readonly deadlineMs: number;
  readonly embedder: EmbedderSettings;
  readonly partition: PartitionBounds;
  readonly pool: PoolBounds;
  /** Of what may be served, so much is asked of the provider all the same, to see whether it would have been right. */
  readonly auditShare: number;
  /** Of what may not be served, so much is compared with the provider's answer; no less than `auditShare`. */
  readonly exploreShare: number;
}

const WEEK_SECONDS = 604_800;

export const DEFAULT_SEMANTIC: SemanticSettings = Object.freeze({
  deadlineMs: 1_500,
  embedder: Object.freeze({ timeoutMs: 1_000, restMs: 10_000 }),
  partition: Object.freeze({ questions: 2_048, bytes: 64 * 1024 * 1024, ttlSeconds: WEEK_SECONDS }),
  pool: Object.freeze({ observations: 50_000, confidence: 0.95, ttlSeconds: WEEK_SECONDS }),
  auditShare: 0.02,
  exploreShare: 1,
});
