import { randomBytes } from 'node:crypto';
import type { ScriptArgument } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { Entry, EntryKeys } from './entry.js';
import { Lease } from './lease.js';
import { markOf, type LeaseMark } from './lease-mark.js';
import type { FillResult } from './observer.js';
import type { CacheParts } from './parts.js';
import { storeArguments, type Filling } from './storing.js';

/**
 * What the leader of a flight is given. It ends with exactly one of `fill` and `release`. Neither throws for anything
 * that Redis does; `fill` throws RangeError for a time to live or a note that no entry can have.
 */
export interface Leadership {
  readonly token: string;
  /** False when Redis is away: nothing that is loaded will be stored. */
  readonly canStore: boolean;
  fill(filling: Filling): Promise<FillResult>;
  release(): Promise<void>;
}

export const STORE = loadScript(new URL('./lua/store.lua', import.meta.url));

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
  held(entry: Entry, keys: EntryKeys, mark: LeaseMark): Leadership {
    return this.#leadership(entry, keys, mark, 'held');
  }

  /** Without Redis: what is loaded is not stored. */
  local(entry: Entry, keys: EntryKeys): Leadership {
    return this.#leadership(entry, keys, markOf(this.newToken(), []), 'local');
  }

  #leadership(entry: Entry, keys: EntryKeys, mark: LeaseMark, standing: 'held' | 'local'): Leadership {
    const { family } = entry.ref;
    const { roles, settings, observer, memory } = this.#parts;
    const link = roles.link(family.role);
    const lease = new Lease(link, keys, mark, settings.leaseMs, standing);
    return {
      token: mark.token,
      canStore: standing === 'held',
      release: async () => {
        if (!(await lease.release())) observer.leaseLeft?.(family.id);
      },
      fill: async (filling) => {
        let args: readonly ScriptArgument[] | null = null;
        try {
          const { text, versions } = mark;
          args = storeArguments(entry, keys, filling, { lease: text, versions, now: link.now(keys.value), settings });
        } finally {
          if (args === null) await lease.release();
        }
        const result = args === null ? 'too_large' : await lease.fill(STORE, args);
        memory.forget(keys);
        observer.fill?.(family.id, result);
        return result;
      },
    };
  }
}
