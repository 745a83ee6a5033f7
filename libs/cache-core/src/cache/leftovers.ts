import { companions, entryParts } from '../keyspace/companion.js';
import { versionKeys } from '../keyspace/version-key.js';
import { colocate, literalGlob } from '../keyspace/physical-key.js';
import type { RedisLink, RedisNode } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import { decodeSidecar, type Sidecar } from './sidecar.js';

/**
 * Removes what an invalidation by version has left behind: entries that no reader of ours is served any more, but that
 * other systems still find at their contract keys until they expire.
 *
 * It never runs on a request. One pass at a time goes over a link's sidecars, in bounded steps with pauses; what is
 * invalidated meanwhile is swept by the next. An entry is judged by the versions that its sidecar records: one that is not
 * the current one now never will be again. It is removed only while its sidecar is still the one that was judged, so an
 * entry that has been loaded anew is never hurt.
 */
export interface LeftoverSettings {
  /** From an invalidation to the pass that follows it: many invalidations share one. */
  readonly delayMs: number;
  /** At least so long from one pass to the next. */
  readonly everyMs: number;
  readonly keysAStep: number;
  readonly pauseMs: number;
}

export const DEFAULT_LEFTOVERS: LeftoverSettings = { delayMs: 1000, everyMs: 30_000, keysAStep: 200, pauseMs: 20 };

const REMOVE = loadScript(new URL('./lua/remove-leftover.lua', import.meta.url));

export interface LeftoversObserver {
  /** So many entries were removed that nobody of ours was served any more. */
  sweptLeftovers?(count: number): void;
  /** A pass did not come to its end; another follows. */
  sweepFailed?(): void;
}

interface Judged {
  readonly sidecarKey: string;
  readonly sidecarBytes: Buffer;
  readonly sidecar: Sidecar;
}

export class Leftovers {
  readonly #keyPrefix: string;
  readonly #settings: LeftoverSettings | null;
  readonly #observer: LeftoversObserver;
  readonly #passes = new Map<RedisLink, { timer: NodeJS.Timeout; again: boolean }>();
  #closed = false;

  /** @param settings null: entries are left to expire */
  constructor(keyPrefix: string, settings: LeftoverSettings | null, observer: LeftoversObserver) {
    this.#keyPrefix = keyPrefix;
    this.#settings = settings;
    this.#observer = observer;
  }

  /** Something on this link was invalidated by its version. */
  arise(link: RedisLink): void {
    if (this.#settings === null || this.#closed) return;
    const pass = this.#passes.get(link);
    if (pass === undefined) this.#schedule(link, this.#settings.delayMs);
    else pass.again = true;
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#passes.values()) clearTimeout(timer);
    this.#passes.clear();
  }

  /**
   * One pass over a link, at once. For the schedule, tools and tests.
   * @returns how many entries it removed
   * @throws RedisUnavailableError, ReplyError when it cannot be brought to its end
   */
  async sweep(link: RedisLink): Promise<number> {
    const { keysAStep, pauseMs } = this.#settings ?? DEFAULT_LEFTOVERS;
    const glob = `${literalGlob(this.#keyPrefix)}${companions.sidecar.label}:*`;
    let removed = 0;
    await link.onEachNode(async (node: RedisNode) => {
      let cursor = '0';
      do {
        const [next, keys] = await node.read((client) => client.scan(cursor, 'MATCH', glob, 'COUNT', keysAStep));
        removed += await this.#step(link, keys);
        cursor = next;
        if (cursor !== '0') await pause(pauseMs);
      } while (cursor !== '0' && !this.#closed);
    });
    this.#observer.sweptLeftovers?.(removed);
    return removed;
  }

  #schedule(link: RedisLink, inMs: number): void {
    const timer = setTimeout(() => void this.#pass(link), inMs);
    timer.unref();
    this.#passes.set(link, { timer, again: false });
  }

  async #pass(link: RedisLink): Promise<void> {
    const settings = this.#settings as LeftoverSettings;
    const pass = this.#passes.get(link);
    if (pass === undefined) return;
    pass.again = false;
    try {
      await this.sweep(link);
    } catch {
      // Redis is away, or does not allow it. Nothing depends on it: no reader of ours is served what lies there.
      this.#observer.sweepFailed?.();
      pass.again = true;
    }
    this.#passes.delete(link);
    if (pass.again && !this.#closed) this.#schedule(link, settings.everyMs);
  }

  async #step(link: RedisLink, sidecarKeys: readonly string[]): Promise<number> {
    if (sidecarKeys.length === 0) return 0;
    const sidecars = await link.readStrings(sidecarKeys);
    const judged: Judged[] = [];
    for (const [at, bytes] of sidecars.entries()) {
      const sidecar = bytes === null ? null : decodeSidecar(bytes);
      if (bytes !== null && sidecar !== null && sidecar.versions !== null) {
        judged.push({ sidecarKey: sidecarKeys[at] as string, sidecarBytes: bytes, sidecar });
      }
    }
    const current = await this.#currentVersions(link, judged);
    const removals = judged.filter((one) => isLeftOver(one.sidecar, this.#keyPrefix, current));
    const replies = await Promise.all(removals.map((one) => this.#remove(link, one)));
    return replies.filter((reply) => reply === 1).length;
  }

  async #currentVersions(link: RedisLink, judged: readonly Judged[]): Promise<ReadonlyMap<string, string | null>> {
    const keys = [...new Set(judged.flatMap(({ sidecar }) => versionKeysOf(sidecar, this.#keyPrefix)))];
    const versions = keys.length === 0 ? [] : await link.readStrings(keys);
    return new Map(keys.map((key, at) => [key, versions[at]?.toString('latin1') ?? null]));
  }

  #remove(link: RedisLink, { sidecarKey, sidecarBytes }: Judged): Promise<unknown> {
    const value = companions.sidecar.subjectOf(sidecarKey, this.#keyPrefix);
    if (value === undefined) return Promise.resolve(0);
    const parts = entryParts.map(({ label }) => colocate(value, label, this.#keyPrefix));
    return link.run(REMOVE, [value, sidecarKey, ...parts], [sidecarBytes]);
  }
}

function versionKeysOf({ tenant, versions }: Sidecar, keyPrefix: string): string[] {
  return (versions ?? [])
    .filter((_subject, at) => at % 2 === 0)
    .map((subject) => versionKeys.keyOf(subject, tenant, keyPrefix));
}

function isLeftOver(sidecar: Sidecar, keyPrefix: string, current: ReadonlyMap<string, string | null>): boolean {
  const recorded = (sidecar.versions ?? []).filter((_version, at) => at % 2 === 1);
  return versionKeysOf(sidecar, keyPrefix).some((key, at) => current.get(key) !== recorded[at]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
