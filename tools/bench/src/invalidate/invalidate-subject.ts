/** A way to invalidate many entries at once, and what it takes to compare it with others. */
export interface InvalidateSubject {
  /** Stores one entry; `others` are not to be invalidated. */
  store(key: string, group: Group): Promise<void>;
  /** Stores so many more like the first, as fast as can be; absent: they are stored one by one. */
  storeMany?(keys: readonly string[], like: string): Promise<void>;
  invalidate(): Promise<unknown>;
  /** What goes on in the background afterwards, done at once. */
  afterwards?(): Promise<unknown>;
  /** Whether the entry is served without loading it. */
  isServed(key: string): Promise<boolean>;
}

export const doomed = (index: number): string => `doomed-${index}`;
export const other = (index: number): string => `other-${index}`;
export const isOther = (key: string): boolean => key.startsWith('other-');

export type Group = 'doomed' | 'others';

export type StartSubject = (redisUrl: string) => Promise<InvalidateSubject>;

export const TTL_SECONDS = 3600;
/** As short as it may be: what is measured is the number of entries. */
export const VALUE = { text: 'a value of some forty bytes' };
