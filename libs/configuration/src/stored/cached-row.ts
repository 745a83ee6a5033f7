import type { Absent, CacheAside, Family, KeyRef, LoadOptions, ValueOf } from '@promptsales/cache-core';
import type { ConfigurationObserver } from '../configuration-options.js';

/** Something in PostgreSQL, and where its copy lies in Redis. */
export interface CachedRow<F extends Family> {
  readonly ref: KeyRef<F>;
  readonly load: () => Promise<ValueOf<F> | Absent>;
  /** What else is found there, whoever wrote it, is loaded anew. */
  readonly usable?: (value: ValueOf<F>) => boolean;
}

/** Asked for again and again where nobody has configured anything; a write invalidates that too. */
export const ABSENT_FOR: Pick<LoadOptions, 'negativeTtlSeconds'> = Object.freeze({ negativeTtlSeconds: 30 });

/**
 * Brings what was just committed into Redis. A load, not a write of what the writer has in hand: of two writers the one who
 * commits first may be the one who comes last (docs/decisions/0121).
 */
export async function warm<F extends Family>(
  aside: CacheAside,
  { ref, load }: CachedRow<F>,
  observer: ConfigurationObserver,
): Promise<void> {
  try {
    const { stored } = await aside.getOrLoad(ref, load, ABSENT_FOR);
    await stored;
  } catch (error) {
    observer.notWarmed?.(error);
  }
}
