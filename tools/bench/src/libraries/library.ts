/** A caching library under comparison, used as its own documentation says. */
export interface Library {
  /** The value of a key, loaded and stored when it is not there. */
  getOrLoad(key: string, load: Load): Promise<unknown>;
  /** Several values that are known to be there, in the library's own way of asking for many; absent where it has none. */
  getMany?(keys: readonly string[]): Promise<unknown[]>;
  close(): Promise<void>;
}

export type Load = () => Promise<unknown>;

/** Where a library may keep values: in Redis alone, or in the process's own memory in front of it too. */
export type Tiers = 'redis' | 'memory+redis';

export type StartLibrary = (redisUrl: string, tiers: Tiers) => Promise<Library>;

export const TTL_SECONDS = 3600;
