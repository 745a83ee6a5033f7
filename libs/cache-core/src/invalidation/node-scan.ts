import type { RedisNode } from '../redis/link.js';
import { RedisUnavailableError } from '../redis/errors.js';
import { pause } from './pause.js';
import { StepSize } from './step-size.js';

/** Measured on a machine whose two processors were wanted by 13: 1.1 µs for a key, 1.1 ms for a step on average. */
const SCAN_STEP = { least: 250, most: 2000, targetMs: 1.5 } as const;
const LOOK_AGAIN_MS = 250;

/** `looked`: about how many keys the server went through for it. */
export type OnFound = (keys: readonly string[], looked: number) => Promise<void>;

export interface StepObserver {
  /** Milliseconds from here and back, for so many keys that were looked at or entries that were removed. */
  patternStep?(kind: 'scan' | 'remove', ms: number, size: number): void;
}

/**
 * Goes through all keys of one server that match a glob, each at least once if it was there all the time.
 *
 * A cursor means something to the server process that gave it, and to no other. So whatever happens to the connection, the
 * scan begins anew (`onRestart`) as soon as the server is there again.
 * @throws RedisUnavailableError once the server has been taken out of use for good: who its keys are with now, others know
 * @throws what `signal` says
 */
export async function scanNode(
  node: RedisNode,
  glob: string,
  onFound: OnFound,
  { signal, observer = {}, onRestart }: { signal: AbortSignal; observer?: StepObserver; onRestart?: () => void },
): Promise<void> {
  for (;;) {
    try {
      await scanOnce(node, glob, onFound, signal, observer);
      return;
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      do {
        signal.throwIfAborted();
        if (node.state === 'closed') throw error;
        await pause(LOOK_AGAIN_MS, signal);
      } while (!node.up);
      onRestart?.();
    }
  }
}

async function scanOnce(
  node: RedisNode,
  glob: string,
  onFound: OnFound,
  signal: AbortSignal,
  observer: StepObserver,
): Promise<void> {
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
  };
  const goOn = (): void => {
    signal.throwIfAborted();
    if (interrupted) throw new RedisUnavailableError('lost', node.name);
  };
  node.on('state', interrupt);
  try {
    const size = new StepSize(SCAN_STEP);
    let cursor = '0';
    do {
      goOn();
      const looked = size.next;
      const began = performance.now();
      const [next, keys] = await node.read((client) => client.scan(cursor, 'MATCH', glob, 'COUNT', looked));
      const ms = performance.now() - began;
      size.took(ms);
      observer.patternStep?.('scan', ms, looked);
      goOn();
      await onFound(keys, looked);
      cursor = next;
    } while (cursor !== '0');
    goOn();
  } finally {
    node.off('state', interrupt);
  }
}
