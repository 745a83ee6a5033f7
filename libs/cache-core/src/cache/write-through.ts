import { entryParts } from '../keyspace/companion.js';
import { RedisUnavailableError } from '../redis/errors.js';
import { keysOf, type Entry, type EntryKeys } from './entry.js';
import type { Invalidations } from './invalidations.js';
import { STORE } from './leadership.js';
import type { FillResult } from './observer.js';
import type { CacheParts } from './parts.js';
import { storeArguments, type Filling } from './storing.js';
import { CurrentVersions, subjectsOf, type VersionKeeper } from './versions.js';

/** Values that their writer knows, and nobody has to load. */
export class WriteThrough {
  readonly #parts: CacheParts;
  readonly #keeper: VersionKeeper;
  readonly #invalidations: Invalidations;

  constructor(parts: CacheParts, keeper: VersionKeeper, invalidations: Invalidations) {
    this.#parts = parts;
    this.#keeper = keeper;
    this.#invalidations = invalidations;
  }

  async put(named: Entry, filling: Filling): Promise<FillResult> {
    const { settings, flights, memory, observer } = this.#parts;
    // None that it may have had before is left beside the new value.
    const entry: Entry = { ...named, parts: named.parts ?? entryParts };
    const keys = keysOf(entry, settings.keyPrefix);
    flights.detach(keys.value);
    memory.forget(keys);
    const result = await this.#write(entry, keys, filling);
    memory.forget(keys);
    if (result === 'stored') this.#invalidations.noteWritten(entry);
    observer.fill?.(entry.ref.family.id, result);
    return result;
  }

  async #write(entry: Entry, keys: EntryKeys, filling: Filling): Promise<FillResult> {
    const { roles, settings } = this.#parts;
    const link = roles.link(entry.ref.family.role);
    const subjects = subjectsOf(entry, settings.keyPrefix);
    try {
      const versions = await this.#keeper.forLoad(link, subjects, new CurrentVersions([], []));
      const args = storeArguments(entry, keys, filling, { lease: '', versions, now: link.now(keys.value), settings });
      if (args === null) return 'too_large';
      await link.run(STORE, [keys.value, keys.sidecar, keys.lease, ...keys.parts], args);
      return 'stored';
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      // The script may still be on its way, and must not arrive behind the invalidation that follows.
      if (error.trouble === 'lost') await link.untilScriptsExpire();
      return 'dropped';
    }
  }
}
