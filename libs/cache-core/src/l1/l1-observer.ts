import type { Emptied } from './tracking-session.js';

export interface L1Observer {
  /** L1 was emptied of what came over one connection. */
  emptied?(why: Emptied): void;
}
