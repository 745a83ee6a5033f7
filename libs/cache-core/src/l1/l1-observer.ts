import type { Emptied } from './change-feed.js';

export interface L1Observer {
  /** L1 was emptied of what came over one connection. */
  emptied?(why: Emptied): void;
}
