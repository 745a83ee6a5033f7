import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisRoles } from '../redis/roles.js';
import { Wake } from '../redis/wake.js';
import type { Cache } from './cache.js';
import { keysOf, type Reading } from './entry.js';
import type { Hit } from './judgement.js';
import type { Outcome } from './value-flight.js';

/** A follower looks again at this pace when it hears nothing: messages are hints (see Subscriptions). */
const LOOK_AGAIN_MS = { least: 200, spread: 200 } as const;

export interface Following<T> {
  readonly reading: Reading<T>;
  /** The lease under which another process loads. */
  readonly token: string;
  /** Whether an entry found is what was waited for. */
  readonly accept: (hit: Hit<T>) => boolean;
  /** Aborts when nobody waits any more. */
  readonly abandoned: AbortSignal;
}

/** Waits for what another process loads. */
export async function follow<T>(
  cache: Cache,
  roles: RedisRoles,
  { reading, token, accept, abandoned }: Following<T>,
): Promise<Outcome<T>> {
  const wake = new Wake();
  const ring = (): void => wake.ring();
  const unsubscribe = await roles
    .subscriptions(reading.ref.family.role)
    .on(`wake:${keysOf(reading, cache.keyPrefix).value}`, ring)
    .catch((error: unknown) => {
      if (!(error instanceof RedisUnavailableError)) throw error;
      return () => {};
    });
  abandoned.addEventListener('abort', ring);
  try {
    for (;;) {
      const found = await cache.ask(reading);
      if (found.kind === 'hit' && accept(found.hit)) return { kind: 'found', hit: found.hit };
      if (found.kind === 'away' || found.lease !== token || abandoned.aborted) return { kind: 'again' };
      await wake.orAfter(LOOK_AGAIN_MS.least + Math.random() * LOOK_AGAIN_MS.spread);
    }
  } finally {
    abandoned.removeEventListener('abort', ring);
    unsubscribe();
  }
}
