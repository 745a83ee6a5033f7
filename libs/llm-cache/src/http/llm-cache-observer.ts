import type { CacheOutcome } from '@promptsales/cache-core';
import type { SemanticObserver } from '../semantic/semantic-observer.js';
import type { FlightObserver } from '../flight/flight-observer.js';

/** What the gateway tells whoever measures it. Called synchronously on the hot path: count and return. */
export interface LlmCacheObserver extends FlightObserver, SemanticObserver {
  /** Headers are about to leave; `seconds` is the server's own time since the request came, the provider's included. */
  answered?(outcome: CacheOutcome, form: 'json' | 'stream', seconds: number): void;
}
