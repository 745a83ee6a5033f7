import type { MovedTo } from './cluster-view.js';
import { RedisUnavailableError } from './errors.js';

/**
 * What a node of a cluster answers instead of doing what it was asked; it has done nothing then.
 * - `moved`: another node serves the slot, for good
 * - `ask`: this one command is to be asked of another, which is receiving the slot
 * - `unstable`: keys of the command are in two places while the slot moves, or nobody may serve it now
 */
export type Redirection = MovedTo | { readonly kind: 'unstable' };

/** The redirection in what a node rejected with, if it is one. */
export function redirectionIn(error: unknown): Redirection | null {
  const reply = error instanceof RedisUnavailableError && error.trouble === 'refused' ? error.cause : error;
  if (!(reply instanceof Error)) return null;
  const [, kind, slot, address = ''] = /^(MOVED|ASK) (\d+) (\S*:\d+)$/.exec(reply.message) ?? [];
  if (kind !== undefined) return { kind: kind === 'ASK' ? 'ask' : 'moved', slot: Number(slot), address };
  return /^(TRYAGAIN|CLUSTERDOWN)\b/.test(reply.message) ? { kind: 'unstable' } : null;
}

export function saysTryAgain(error: unknown): boolean {
  const cause = error instanceof RedisUnavailableError ? error.cause : null;
  return cause instanceof Error && cause.message.startsWith('TRYAGAIN');
}
