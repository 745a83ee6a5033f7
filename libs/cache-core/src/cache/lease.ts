import type { ScriptArgument } from '../redis/link.js';
import type { Script } from '../redis/script.js';
import type { RedisLink } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { EntryKeys } from './entry.js';
import type { LeaseMark } from './lease-mark.js';
import type { FillResult } from './observer.js';

const RENEW = loadScript(new URL('./lua/renew.lua', import.meta.url));
const RELEASE = loadScript(new URL('./lua/release.lua', import.meta.url));

/**
 * The right to load one entry, held by one flight at a time over all processes.
 *
 * It renews itself until it is used (`fill`), given back (`release`) or lost. It is lost when an invalidation removes
 * it, when a `no-cache` load or one under newer versions takes it, or when this process was stopped for longer than the lease lasts; a fill is then
 * refused by Redis, so a value loaded before an invalidation cannot be stored after it.
 *
 * Without Redis a lease is only a name (`standing: 'local'`): the load goes on, its fill is dropped.
 */
export class Lease {
  #standing: 'held' | 'local' | 'lost' | 'ended';
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly link: RedisLink,
    readonly keys: EntryKeys,
    readonly mark: LeaseMark,
    private readonly leaseMs: number,
    standing: 'held' | 'local',
  ) {
    this.#standing = standing;
    if (standing === 'held') this.#renewSoon();
  }

  get standing(): 'held' | 'local' | 'lost' | 'ended' {
    return this.#standing;
  }

  /** Runs the storing script if the lease still stands. Ends the lease in any case. Never throws. */
  async fill(store: Script, args: readonly ScriptArgument[]): Promise<FillResult> {
    const standing = this.#end();
    if (standing === 'local') return 'dropped';
    if (standing !== 'held') return 'superseded';
    const { value, sidecar, lease, parts } = this.keys;
    try {
      return (await this.link.run(store, [value, sidecar, lease, ...parts], args)) === 1 ? 'stored' : 'superseded';
    } catch {
      // Unknown or refused: the lease runs out by itself, and the script cannot run past its deadline.
      return 'dropped';
    }
  }

  /**
   * Gives the lease back without a value and wakes those who wait. Never throws.
   * @returns false when Redis could not be told: then the lease runs out by itself
   */
  async release(): Promise<boolean> {
    if (this.#end() !== 'held') return true;
    try {
      await this.link.run(RELEASE, [this.keys.value, this.keys.lease], [this.mark.text]);
      return true;
    } catch {
      return false;
    }
  }

  /** Ends it here, without a word to Redis: for what replaces it there. */
  leave(): void {
    this.#end();
  }

  #end(): 'held' | 'local' | 'lost' | 'ended' {
    const standing = this.#standing;
    this.#standing = 'ended';
    clearTimeout(this.#timer);
    return standing;
  }

  #renewSoon(): void {
    this.#timer = setTimeout(() => {
      this.link.run(RENEW, [this.keys.lease], [this.mark.text, this.leaseMs]).then(
        (renewed) => {
          if (this.#standing !== 'held') return;
          if (renewed === 1) this.#renewSoon();
          else this.#standing = 'lost';
        },
        () => {
          if (this.#standing === 'held') this.#renewSoon();
        },
      );
    }, this.leaseMs / 3);
    this.#timer.unref();
  }
}
