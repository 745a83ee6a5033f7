import type { SampleKind } from '../sample-value.js';
import type { Tiers } from './library.js';
import type { LibraryName } from './libraries.js';

/** What a process of a library is told to do, one order at a time, and what it answers. */
export interface Orders {
  /** Stores the sample values of so many keys, reads them again and compares. */
  prepare: { order: { keys: number; kind: SampleKind }; answer: { stored: number } };
  /** Reads stored keys one by one, so many under way at once. */
  hits: { order: { keys: number; kind: SampleKind; underWay: number; ms: number }; answer: Work };
  /** Reads stored keys in batches, so many batches under way at once. */
  batches: { order: { keys: number; kind: SampleKind; batch: number; underWay: number; ms: number }; answer: Work };
  /** Asks for one key with so many callers at once, at a moment of the wall clock that all processes share. */
  stampede: {
    order: { key: string; callers: number; at: number; loadMs: number };
    answer: { loads: number; wrong: number; slowestMs: number };
  };
}

export interface Work {
  readonly reads: number;
  readonly seconds: number;
  /** Of processor time, all threads of the process together. */
  readonly cpuSeconds: number;
}

/** What the process itself is started with, as its first argument. */
export interface ProcessArguments {
  readonly library: LibraryName;
  readonly redisUrl: string;
  readonly tiers: Tiers;
}
