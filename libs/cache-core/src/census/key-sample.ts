import { setTimeout as pause } from 'node:timers/promises';
import { scanNode } from '../invalidation/node-scan.js';
import type { RedisLink, RedisNode } from '../redis/link.js';
import { RedisUnavailableError } from '../redis/errors.js';

/** How much of a server is looked at, and how fast. */
export interface WalkBounds {
  /** Keys of each server; null: all. */
  readonly mostKeys: number | null;
  /** Keys a second, of each server; null: as fast as it answers, in steps that cost it about 1.5 ms. */
  readonly keysPerSecond: number | null;
  /** Of each server: then it is left with what was met until then. Null: as long as it takes. */
  readonly mostMs: number | null;
  readonly signal: AbortSignal;
}

export interface WalkedNode {
  readonly node: RedisNode;
  /** Those that the server had. */
  readonly total: number;
  looked: number;
  /** Every key was looked at. */
  complete: boolean;
}

const ENOUGH = Symbol('enough');

/**
 * Goes over the keys of every server behind a link, one server after another, in the order of the server's own hash table: what comes first is a
 * random sample of all. A key may be met twice.
 * @throws RedisUnavailableError when a server cannot be asked; what the signal says
 */
export async function walkKeys(
  link: RedisLink,
  { mostKeys, keysPerSecond, mostMs, signal }: WalkBounds,
  visit: (keys: readonly string[], walked: WalkedNode) => Promise<void>,
): Promise<readonly WalkedNode[]> {
  const nodes = new Map<string, WalkedNode>();
  await link.onEachNode(async (node) => {
    const total = await node.read((client) => client.dbsize());
    const walked: WalkedNode = { node, total, looked: 0, complete: false };
    nodes.set(node.name, walked);
    const bound = new AbortController();
    const late = mostMs === null ? null : AbortSignal.timeout(mostMs);
    const begun = performance.now();
    try {
      await scanNode(
        node,
        '*',
        async (keys) => {
          walked.looked += keys.length;
          if (keys.length > 0) await visit(keys, walked);
          if (mostKeys !== null && walked.looked >= mostKeys) bound.abort(ENOUGH);
          if (keysPerSecond === null) return;
          const aheadMs = (walked.looked / keysPerSecond) * 1000 - (performance.now() - begun);
          if (aheadMs > 1) await pause(aheadMs, undefined, { signal });
        },
        {
          signal: AbortSignal.any([signal, bound.signal, ...(late === null ? [] : [late])]),
          onRestart: () => bound.abort(lost(node)),
        },
      );
      walked.complete = true;
    } catch (error) {
      if (error !== ENOUGH && (late === null || error !== late.reason)) throw error;
    }
  });
  return [...nodes.values()];
}

/** Its keys would be counted twice. */
function lost(node: RedisNode): RedisUnavailableError {
  return new RedisUnavailableError('lost', node.name);
}
