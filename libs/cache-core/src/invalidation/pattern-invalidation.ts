/**
 * Invalidation of all entries of a family that a glob covers, as a walk over every server that holds them.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. When it has ended, nothing is left of any entry that was there when it began: not the value, not what lies beside it,
 *    whether or not its value was there. (SCAN meets what is there from its beginning to its end; see `scanNode` and
 *    `onEachNode` for servers that go away and keys that move.)
 * 2. No load that was under way when it began stores its value. Leases are removed on all servers before the first value
 *    is looked for: a load whose lease was not met any more had stored by then, and its value is met. A server that comes
 *    back in the middle, perhaps with leases and values that had been removed, is rid of them before it is used
 *    (`InvalidationJournal.whileRemoving`).
 * 3. An entry goes as a whole, in one script, with the lease of whoever loads it.
 * 4. A step is sized to cost a server 1.5 ms, far from the 5 that it may, and none is sent before the last was answered.
 *    (What the server waits for a processor meanwhile is not of its making.)
 * 5. This process serves nothing that it has removed from its own memory either; the others hear of each key by tracking.
 * 6. What was stored after it had begun may be removed too: that costs a miss.
 */
import calculateSlot from 'cluster-key-slot';
import { companions, entryParts } from '../keyspace/companion.js';
import { colocate, companionSubject, literalGlob, logicalKey } from '../keyspace/physical-key.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisLink } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { EntryKeys } from '../cache/entry.js';
import type { FamilyGlob } from './family-glob.js';
import { scanNode, type StepObserver } from './node-scan.js';
import { pause } from './pause.js';
import { StepSize } from './step-size.js';

const INVALIDATE_ENTRIES = loadScript(new URL('./lua/invalidate-entries.lua', import.meta.url));
/** Measured on the same machine: 8 µs for an entry, 1.1 ms for a step on average. */
const REMOVE_STEP = { least: 100, most: 300, targetMs: 1.5 } as const;
const SAMPLE = 20;
const AGAIN_MS = 250;

export interface NodeProgress {
  readonly node: string;
  /** About how many keys it went through for it, those of other families included. */
  readonly scanned: number;
  readonly deleted: number;
}

export interface PatternProgress {
  readonly scanned: number;
  /** Entries that had a value; of a dry run, those that have one now. A key may be counted twice while servers change. */
  readonly deleted: number;
  readonly nodes: readonly NodeProgress[];
  /** Some of the keys, in their documented form. */
  readonly sample: readonly string[];
}

export const NO_PROGRESS: PatternProgress = Object.freeze({ scanned: 0, deleted: 0, nodes: [], sample: [] });

export interface PatternRun {
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: PatternProgress) => void;
  /** How far whoever was at it before has come: counts go on from there. */
  readonly before?: PatternProgress;
}

/** What the cache lends to it. */
export interface PatternGround {
  readonly keyPrefix: string;
  /** For how long it is remembered of each entry that it was invalidated. */
  readonly rememberMs: number;
  /** Nobody is to be given such entries out of this process any more. */
  letGo(keys: EntryKeys): void;
  readonly observer: StepObserver;
}

interface Found {
  readonly keys: EntryKeys;
  readonly isValue: boolean;
}

const COMPANION_LABELS = [companions.sidecar, companions.lease, ...entryParts].map(({ label }) => label);

export class PatternInvalidation {
  readonly #glob: FamilyGlob;
  readonly #link: RedisLink;
  readonly #run: PatternRun;
  readonly #ground: PatternGround;
  readonly #byNode = new Map<string, { scanned: number; deleted: number }>();
  readonly #sample = new Set<string>();
  readonly #removeSize = new StepSize(REMOVE_STEP);

  constructor(glob: FamilyGlob, link: RedisLink, run: PatternRun, ground: PatternGround) {
    this.#glob = glob;
    this.#link = link;
    this.#run = run;
    this.#ground = ground;
    for (const { node, scanned, deleted } of run.before?.nodes ?? []) this.#byNode.set(node, { scanned, deleted });
    for (const key of run.before?.sample ?? []) this.#sample.add(key);
  }

  get progress(): PatternProgress {
    const nodes = [...this.#byNode].map(([node, counts]) => ({ node, ...counts }));
    return {
      scanned: nodes.reduce((sum, { scanned }) => sum + scanned, 0),
      deleted: nodes.reduce((sum, { deleted }) => sum + deleted, 0),
      nodes,
      sample: [...this.#sample],
    };
  }

  /**
   * Goes over all servers, and begins anew when one of them went away for good.
   * @throws what the run's signal says
   */
  async untilDone(): Promise<PatternProgress> {
    const { signal, dryRun } = this.#run;
    for (;;) {
      try {
        await this.#once();
        return this.progress;
      } catch (error) {
        if (!(error instanceof RedisUnavailableError)) throw error;
        if (dryRun) this.#byNode.clear();
        await pause(AGAIN_MS, signal);
      }
    }
  }

  async #once(): Promise<void> {
    const { dryRun } = this.#run;
    if (!dryRun) await this.#walk(this.#globBeside(companions.lease.label), () => true);
    // A dry run counts what would be deleted. Leases of now are those of loads that began after this did.
    await this.#walk(this.#globBeside(''), (physical) =>
      dryRun ? this.#labelOf(physical) === null : this.#labelOf(physical) !== companions.lease.label,
    );
  }

  #walk(glob: string, wanted: (physical: string) => boolean): Promise<void> {
    const { signal } = this.#run;
    const { observer } = this.#ground;
    return this.#link.onEachNode(async (node) => {
      const counts = { scanned: 0, deleted: 0, ...this.#byNode.get(node.name) };
      const before = { ...counts };
      this.#byNode.set(node.name, counts);
      await scanNode(node, glob, (keys, looked) => this.#found(keys.filter(wanted), looked, counts), {
        signal,
        observer,
        onRestart: () => {
          // What was deleted stays so; what was only counted is counted anew.
          if (this.#run.dryRun) Object.assign(counts, before);
        },
      });
    });
  }

  async #found(
    physical: readonly string[],
    looked: number,
    counts: { scanned: number; deleted: number },
  ): Promise<void> {
    const entries = this.#covered(physical);
    counts.scanned += looked;
    for (const { keys, isValue } of entries) if (isValue) this.#addToSample(keys.value);
    try {
      if (this.#run.dryRun) counts.deleted += entries.length;
      else await this.#remove(entries, counts);
    } finally {
      // Also of a run that is stopped in the middle: what it has removed is gone.
      this.#run.onProgress?.(this.progress);
    }
  }

  async #remove(entries: readonly Found[], counts: { deleted: number }): Promise<void> {
    for (let from = 0; from < entries.length;) {
      this.#run.signal.throwIfAborted();
      const some = entries.slice(from, from + this.#removeSize.next);
      for (const { keys } of some) this.#ground.letGo(keys);
      const began = performance.now();
      // In a cluster they leave together for all that, and are no more work for a server than one script for them all.
      const removed = await Promise.all(this.#bySlot(some).map((group) => this.#removeTogether(group)));
      const ms = performance.now() - began;
      for (const count of removed) counts.deleted += count;
      this.#removeSize.took(ms);
      this.#ground.observer.patternStep?.('remove', ms, some.length);
      // Again: a reader may have come back with one while the script was under way.
      for (const { keys } of some) this.#ground.letGo(keys);
      from += some.length;
    }
  }

  async #removeTogether(entries: readonly Found[]): Promise<number> {
    const names = entries.flatMap(({ keys: { value, sidecar, lease, parts } }) => [value, sidecar, lease, ...parts]);
    const { rememberMs } = this.#ground;
    return Number(await this.#link.run(INVALIDATE_ENTRIES, names, [names.length / entries.length, rememberMs]));
  }

  /** A script has keys of one slot. */
  #bySlot(entries: readonly Found[]): readonly (readonly Found[])[] {
    if (!this.#link.clustered) return [entries];
    return [...Map.groupBy(entries, ({ keys }) => calculateSlot(keys.value)).values()];
  }

  /** Each entry once whose value, or something that lies beside its value, is among these keys. */
  #covered(physical: readonly string[]): Found[] {
    const { keyPrefix } = this.#ground;
    const entries = new Map<string, Found>();
    for (const key of physical) {
      const label = this.#labelOf(key);
      const value = label === null ? key : companionSubject(key, label, keyPrefix);
      const logical = value === undefined ? undefined : logicalKey(keyPrefix, value);
      if (value === undefined || logical === undefined || !this.#glob.covers(logical)) continue;
      const isValue = label === null || entries.get(value)?.isValue === true;
      entries.set(value, { keys: this.#keysBeside(value), isValue });
    }
    return [...entries.values()];
  }

  #keysBeside(value: string): EntryKeys {
    const { keyPrefix } = this.#ground;
    return {
      value,
      sidecar: colocate(value, companions.sidecar.label, keyPrefix),
      lease: colocate(value, companions.lease.label, keyPrefix),
      parts: entryParts.map(({ label }) => colocate(value, label, keyPrefix)),
    };
  }

  #labelOf(physical: string): string | null {
    const { length } = this.#ground.keyPrefix;
    return COMPANION_LABELS.find((label) => physical.startsWith(`${label}:`, length)) ?? null;
  }

  /** What Redis is to look for: values and all that lies beside them, or only what lies beside them under one label. */
  #globBeside(label: string): string {
    const prefix = literalGlob(this.#ground.keyPrefix);
    return label === '' ? `${prefix}*${this.#glob.scanGlob}*` : `${prefix}${label}:*${prefix}${this.#glob.scanGlob}*`;
  }

  #addToSample(value: string): void {
    if (this.#sample.size < SAMPLE) this.#sample.add(value.slice(this.#ground.keyPrefix.length));
  }
}
