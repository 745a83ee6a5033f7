import { asyncCacheDedupe } from './async-cache-dedupe.js';
import { bentocache } from './bentocache.js';
import { cacheManager } from './cache-manager.js';
import { cacheable } from './cacheable.js';
import { cachified } from './cachified.js';
import type { StartLibrary } from './library.js';
import { ours } from './ours.js';
import { pipeliningIoredis, plainIoredis } from './plain-ioredis.js';

/** By the name that stands in the tables. */
export const LIBRARIES = {
  ioredis: plainIoredis,
  'ioredis, pipelining': pipeliningIoredis,
  ours,
  bentocache,
  'cache-manager': cacheManager,
  cacheable,
  'async-cache-dedupe': asyncCacheDedupe,
  cachified,
} as const satisfies Readonly<Record<string, StartLibrary>>;

export type LibraryName = keyof typeof LIBRARIES;
