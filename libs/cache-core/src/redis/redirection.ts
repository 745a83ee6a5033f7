import type { MovedTo } from './cluster-view.js';
import { RedisUnavailableError } from './errors.js';

/**
 * What a node of a cluster answers instead of doing what it was asked; it has done nothing then.
 * - `moved`: another node serves the slot, for good
 * - `ask`: this one command is to be asked of another, which is receiving the slot
 * - `apart`: the keys of the command may be in two places, because their slot is on its way
 * - `down`: the node cannot see enough of its cluster to serve the slot
 */
export type Redirection = MovedTo | { readonly kind: 'apart' | 'down' };

/** The redirection in what a node rejected with, if it is one. */
export function redirectionIn(error: unknown): Redirection | null {
  const reply = error instanceof RedisUnavailableError && error.trouble === 'refused' ? error.cause : error;
  if (!(reply instanceof Error)) return null;
  const [, kind, slot, address = ''] = /^(MOVED|ASK) (\d+) (\S*:\d+)$/.exec(reply.message) ?? [];
  if (kind !== undefined) return { kind: kind === 'ASK' ? 'ask' : 'moved', slot: Number(slot), address };
  if (reply.message.startsWith('TRYAGAIN')) return { kind: 'apart' };
  return reply.message.startsWith('CLUSTERDOWN') ? { kind: 'down' } : null;
}

/** Where a redirection sends to; undefined for one that sends nowhere. */
export function destinationIn(redirection: Redirection): MovedTo | undefined {
  return redirection.kind === 'moved' || redirection.kind === 'ask' ? redirection : undefined;
}
