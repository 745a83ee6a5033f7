import { randomBytes } from 'node:crypto';
import type { ScriptArgument } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { Entry, EntryKeys } from './entry.js';
import { Lease } from './lease.js';
import { markOf, type LeaseMark } from './lease-mark.js';
import type { Look } from './lookup.js';
import type { FillResult } from './observer.js';
import type { CacheParts } from './parts.js';
import { decodeSidecar, encodeSidecar } from './sidecar.js';
import { storeArguments, timesOf, type Filling } from './storing.js';
import { bumpedAtMs } from './versions.js';

/**
 * What the leader of a flight is given. It ends with exactly one of `fill`, `prolong` and `release`. None throws for
 * anything that Redis does; `fill` throws RangeError for a time to live or a note that no entry can have.
 */
export interface Leadership {
  readonly token: string;
  /** False when Redis is away: nothing that is loaded will be stored. */
  readonly canStore: boolean;
  fill(filling: Filling): Promise<FillResult>;
  /**
   * Stores what the leader had seen once more, with new times and without its bytes. Null, and nothing has ended, where
   * there was no such entry: then fill.
   */
  prolong(times: Pick<Filling, 'ttlSeconds' | 'freshMs' | 'loadCostMs'>): Promise<FillResult> | null;
  release(): Promise<void>;
}

export const STORE = loadScript(new URL('./lua/store.lua', import.meta.url));
const PROLONG = loadScript(new URL('./lua/prolong.lua', import.meta.url));

/** Makes the leaderships of one process. */
export class Leaderships {
  /** Names this process in lease tokens. */
  readonly processId = randomBytes(9).toString('base64url');
  readonly #parts: CacheParts;
  #tokens = 0;

  constructor(parts: CacheParts) {
    this.#parts = parts;
  }

  newToken(): string {
    this.#tokens += 1;
    return `${this.processId}.${this.#tokens.toString(36)}`;
  }

  /** Whether a token is one of this process. */
  named(token: string): boolean {
    return token.startsWith(`${this.processId}.`);
  }

  /** Under a lease that Redis has granted. */
  held(entry: Entry, keys: EntryKeys, mark: LeaseMark, seen: Look<unknown> | null): Leadership {
    return this.#leadership(entry, keys, mark, 'held', seen);
  }

  /** Without Redis: what is loaded is not stored. */
  local(entry: Entry, keys: EntryKeys): Leadership {
    return this.#leadership(entry, keys, markOf(this.newToken(), []), 'local', null);
  }

  #leadership(
    entry: Entry,
    keys: EntryKeys,
    mark: LeaseMark,
    standing: 'held' | 'local',
    seen: Look<unknown> | null,
  ): Leadership {
    const { family } = entry.ref;
    const { roles, settings, observer, memory } = this.#parts;
    const link = roles.link(family.role);
    const lease = new Lease(link, keys, mark, settings.leaseMs, standing);
    const mistrust = this.#mistrust(entry, keys, mark, seen);
    const told = (result: FillResult): FillResult => {
      memory.forget(keys);
      observer.fill?.(family.id, result);
      return result;
    };
    const release = async (): Promise<void> => {
      if (!(await lease.release())) observer.leaseLeft?.(family.id);
    };
    return {
      token: mark.token,
      canStore: standing === 'held',
      release,
      fill: async (filling) => {
        const trusted = mistrust(filling);
        if (trusted === null) {
          await release();
          return told('held_off');
        }
        let args: readonly ScriptArgument[] | null = null;
        try {
          const { text, versions } = mark;
          args = storeArguments(entry, keys, trusted, { lease: text, versions, now: link.now(keys.value), settings });
        } finally {
          if (args === null) await release();
        }
        return told(args === null ? 'too_large' : await lease.fill(STORE, args));
      },
      prolong: (times) => {
        const there = seen?.found.kind === 'hit' ? seen.sidecar : null;
        const before = there === null ? null : decodeSidecar(there);
        const trusted = mistrust(times);
        if (there === null || before === null || before.versions === null || trusted === null) return null;
        const { ttlMs, ...moments } = timesOf(entry, trusted, { now: link.now(keys.value), settings });
        const loadCostMs = times.loadCostMs ?? 0;
        const sidecar = encodeSidecar({ ...before, ...moments, loadCostMs, versions: mark.versions });
        return lease.fill(PROLONG, [mark.text, ttlMs, sidecar, there]).then(told);
      },
    };
  }

  /**
   * What is loaded soon after an invalidation may come from a replica of the origin that has not heard of the change. Null:
   * it is not to be stored.
   */
  #mistrust(entry: Entry, keys: EntryKeys, { versions }: LeaseMark, seen: Look<unknown> | null) {
    const { roles, policies } = this.#parts;
    const { family } = entry.ref;
    const { holdOff } = policies.of(family);
    const invalidatedAtMs = Math.max(seen?.invalidatedAtMs ?? 0, bumpedAtMs(versions));
    const begunAtMs = roles.link(family.role).now(keys.value);
    const heldOff = holdOff !== null && begunAtMs < invalidatedAtMs + holdOff.ms;
    return <F extends Pick<Filling, 'ttlSeconds' | 'freshMs'>>(filling: F): F | null => {
      if (!heldOff) return filling;
      if (holdOff.ttlSeconds === null) return null;
      const ttlSeconds = Math.min(holdOff.ttlSeconds, filling.ttlSeconds ?? Number.POSITIVE_INFINITY);
      return { ...filling, ttlSeconds };
    };
  }
}
