import type { FillResult } from '@promptsales/cache-core';
import type { NotStored } from '../stored/storage-rules.js';

/** What flights tell whoever measures them. Called synchronously: count and return. */
export interface FlightObserver {
  /** An upstream call has ended. */
  upstream?(outcome: 'completed' | 'failed' | 'aborted', seconds: number): void;
  /** What became of a whole answer: the result of storing it, or why it was not to be stored. */
  kept?(result: FillResult | NotStored): void;
  /** Another process began to follow a flight of this one, or this one a flight of another. */
  attached?(side: 'leader' | 'follower'): void;
  /** Something that we did not foresee; whoever it concerned was told nothing of its text. */
  failed?(error: unknown): void;
}
