import type { Keyring } from '../codec/keyring.js';
import type { L1Settings } from '../l1/settings.js';
import { DEFAULT_LEFTOVERS, type LeftoverSettings } from './leftovers.js';
import type { LoadingOptions } from './loading-policy.js';
import { DEFAULT_JOURNAL, type JournalSettings } from './journal.js';

export interface CacheSettings {
  readonly keyPrefix: string;
  /** How long a dead holder keeps others from loading; a living one renews. */
  readonly leaseMs: number;
  /** Larger values are neither stored nor read. */
  readonly maxValueBytes: number;
  /** Compress values above so many bytes, in families that allow it; null: never. */
  readonly compressAbove: number | null;
  readonly journal: JournalSettings;
  /** Seconds by family id (see `resolveTtls`); a family not named has its own default. */
  readonly ttls: Readonly<Record<string, number | null>>;
  /** How values are loaded and age, by family id; a family not named has the defaults. */
  readonly loading: Readonly<Record<string, LoadingOptions>>;
  /** Null: what is invalidated by tag, namespace or family is left to expire where other readers find it. */
  readonly leftovers: LeftoverSettings | null;
  /** From 0 (included) to 1: for jitter and early refreshes. */
  readonly random: () => number;
  readonly keyring?: Keyring;
  /** Null: nothing is kept in this process's own memory. */
  readonly l1: Partial<L1Settings> | null;
}

export const DEFAULT_CACHE: CacheSettings = {
  keyPrefix: '',
  leaseMs: 5000,
  maxValueBytes: 16 * 1024 * 1024,
  compressAbove: 1024,
  journal: DEFAULT_JOURNAL,
  ttls: {},
  loading: {},
  leftovers: DEFAULT_LEFTOVERS,
  random: Math.random,
  l1: null,
};
