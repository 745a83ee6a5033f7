import { performance } from 'node:perf_hooks';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RecoveringPart, RecoveryRun, RedisLink } from '../redis/link.js';

/** What one invalidation is about. */
export interface InvalidationTarget {
  /** `entry`: its keys are removed. `version`: a subject gets another version. */
  readonly of: 'entry' | 'version';
  /** The key that is not to be trusted meanwhile: the entry's value or the version. */
  readonly subject: string;
  /** All keys concerned, in one slot. */
  readonly keys: readonly string[];
  /** What is swept when single keys no longer fit into the journal: the beginning that a family's keys share. */
  readonly root: string;
  /** For how long the server remembers that an entry was invalidated. */
  readonly rememberMs: number;
}

export interface JournalSettings {
  /** How many pending invalidations are kept one by one; past it, their whole family is removed at recovery. */
  readonly capacity: number;
  /** How long an acknowledged invalidation is kept, to be repeated to a server that was restarted or replaced. */
  readonly keepAcknowledgedMs: number;
  readonly retryMs: number;
}

export const DEFAULT_JOURNAL: JournalSettings = { capacity: 10_000, keepAcknowledgedMs: 60_000, retryMs: 100 };

/** Noted invalidations wait for no more company than this. */
const MOST_GATHERED = 1000;

type Apply = (run: RecoveryRun, target: InvalidationTarget) => Promise<unknown>;
/** Removes a family from the server on which `run` runs. */
type Sweep = (run: RecoveryRun, root: string) => Promise<void>;

/**
 * Invalidations that Redis has not confirmed, and those it confirmed a moment ago.
 *
 * Invariants
 * 1. A key with an unconfirmed invalidation, be it an entry's or a version's, is not trusted by this process (`blocks`).
 * 2. The link does not become usable before every unconfirmed invalidation has been applied; they are recovery steps.
 *    In a cluster each node recovers what it serves. What it cannot apply, because the slot is on its way or a family
 *    has to be swept on other nodes too, stays unconfirmed and is tried again.
 * 3. A server that comes back as another one (crash between two fsyncs, failover to a replica that lagged) may have
 *    lost invalidations that it had acknowledged. Those of the last `keepAcknowledgedMs` are applied again at recovery.
 *    Applying one twice only costs a miss.
 * 4. Memory is bounded: past `capacity` the journal remembers families instead of keys, and kinds of versions instead of
 *    versions. (Sweeping versions away invalidates all that is under them.)
 * 5. What comes in while the journal is being worked off is worked off too: recovery ends only with nothing left, and
 *    what is noted after that is tried again until it is done. A family that is invalidated again while it is being
 *    swept is swept again.
 */
export class InvalidationJournal {
  readonly #link: RedisLink;
  readonly #settings: JournalSettings;
  readonly #apply: Apply;
  readonly #sweep: Sweep;
  readonly #pending = new Map<string, InvalidationTarget>();
  /** Families to be removed as a whole, with a number that rises with each further invalidation. */
  readonly #roots = new Map<string, number>();
  #generation = 0;
  readonly #acknowledged = new Map<string, { target: InvalidationTarget; at: number }>();
  readonly #acknowledgedRoots = new Map<string, number>();
  readonly #removals = new Set<{ readonly root: string }>();
  #retry: NodeJS.Timeout | undefined;
  #attempting: Promise<void> | undefined;

  constructor(link: RedisLink, settings: JournalSettings, how: { apply: Apply; sweep: Sweep }) {
    this.#link = link;
    this.#settings = settings;
    this.#apply = how.apply;
    this.#sweep = how.sweep;
    link.onRecovery((run, part) => this.#recover(run, part));
  }

  /** What waits for Redis; a family that is to be removed as a whole counts as one. */
  get pendingCount(): number {
    return this.#pending.size + this.#roots.size;
  }

  get idle(): boolean {
    return this.#pending.size === 0 && this.#roots.size === 0;
  }

  blocks(key: string): boolean {
    if (this.idle) return false;
    if (this.#pending.has(key)) return true;
    for (const root of this.#roots.keys()) if (key.startsWith(root)) return true;
    return false;
  }

  /** Notes an invalidation before it is tried. */
  begin(target: InvalidationTarget): void {
    const full = this.#pending.size >= this.#settings.capacity && !this.#pending.has(target.subject);
    if (full || this.#roots.has(target.root)) {
      this.beginRoot(target.root);
      for (const [key, other] of this.#pending) if (other.root === target.root) this.#pending.delete(key);
      // Confirming this one does not sweep the others' family.
      this.retryLater();
      return;
    }
    this.#pending.set(target.subject, target);
  }

  /**
   * Notes an invalidation that is to be applied together with others: within `retryMs`, or when many have gathered.
   * Resolves at once, or, when the journal fills faster than Redis takes it, after the attempt that is under way.
   */
  async note(target: InvalidationTarget): Promise<void> {
    this.begin(target);
    const crowded = Math.min(MOST_GATHERED, this.#settings.capacity / 2);
    if (this.#pending.size < crowded) this.retryLater();
    else await this.#attempt();
  }

  /** Redis has confirmed it. */
  acknowledge(target: InvalidationTarget): void {
    if (this.#pending.get(target.subject) === target) this.#pending.delete(target.subject);
    const now = performance.now();
    this.#acknowledged.delete(target.subject);
    this.#acknowledged.set(target.subject, { target, at: now });
    for (const [key, { target: oldest, at }] of this.#acknowledged) {
      const recent = this.#isRecent(at);
      if (recent && this.#acknowledged.size <= this.#settings.capacity) break;
      this.#acknowledged.delete(key);
      if (recent) this.#acknowledgeRoot(oldest.root);
    }
  }

  /** Everything that begins with `root` is to be removed, and was not: as `begin`, for what cannot be noted key by key. */
  beginRoot(root: string): void {
    this.#generation += 1;
    this.#roots.set(root, this.#generation);
  }

  /** Much of what begins with `root` was removed, and Redis has confirmed it. */
  #acknowledgeRoot(root: string): void {
    this.#acknowledgedRoots.set(root, performance.now());
    for (const [other, at] of this.#acknowledgedRoots) if (!this.#isRecent(at)) this.#acknowledgedRoots.delete(other);
  }

  /**
   * While much of what begins with `root` is removed piece by piece, a server that comes back as another one may have again
   * what was removed first, such as a lease whose load would store after all. So it loses the whole root, also for
   * `keepAcknowledgedMs` after the end.
   */
  async whileRemoving<T>(root: string, removal: () => Promise<T>): Promise<T> {
    const underWay = { root };
    this.#removals.add(underWay);
    try {
      return await removal();
    } finally {
      this.#removals.delete(underWay);
      this.#acknowledgeRoot(root);
    }
  }

  /** It failed: tried again until it is done, and at the latest at the link's next recovery. */
  retryLater(): void {
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#attempt();
    }, this.#settings.retryMs);
    this.#retry.unref();
  }

  close(): void {
    clearTimeout(this.#retry);
  }

  async #recover(run: RecoveryRun, part: RecoveringPart): Promise<void> {
    for (const { root } of this.#removals) this.beginRoot(root);
    for (const [root, at] of this.#acknowledgedRoots) if (this.#isRecent(at)) this.beginRoot(root);
    const recent = [...this.#acknowledged.values()]
      .filter(({ at, target }) => this.#isRecent(at) && part.covers(target.subject))
      .map(({ target }) => target);
    await this.#replay(recent, run);
    await this.#workOff(run, part, (root) => this.#sweep(run, root));
    this.#retryWhatIsLeft();
  }

  #tryAgain(): Promise<void> {
    const link = this.#link;
    const runOn =
      (where: RedisLink): RecoveryRun =>
      (script, keys, args) =>
        where.run(script, keys, args);
    return this.#workOff(runOn(link), { whole: true, covers: (key) => link.upFor(key) }, (root) =>
      link.onEachNode((node) => this.#sweep(runOn(node), root)),
    );
  }

  #isRecent(at: number): boolean {
    return performance.now() - at <= this.#settings.keepAcknowledgedMs;
  }

  /** One at a time: what comes in meanwhile is worked off with it. */
  #attempt(): Promise<void> {
    this.#attempting ??= this.#tryAgain()
      .then(
        () => this.#retryWhatIsLeft(),
        () => this.retryLater(),
      )
      .finally(() => {
        this.#attempting = undefined;
      });
    return this.#attempting;
  }

  #retryWhatIsLeft(): void {
    if (this.#pending.size > 0 || this.#roots.size > 0) this.retryLater();
  }

  async #workOff(run: RecoveryRun, part: RecoveringPart, sweep: (root: string) => Promise<void>): Promise<void> {
    const postponed = new Set<InvalidationTarget>();
    const swept = new Map<string, number>();
    for (;;) {
      const due = [...this.#pending.values()].filter((one) => part.covers(one.subject) && !postponed.has(one));
      const unswept = [...this.#roots].filter(([root, generation]) => swept.get(root) !== generation);
      if (due.length === 0 && unswept.length === 0) return;
      for (const target of await this.#replay(due, run)) postponed.add(target);
      for (const [root, generation] of unswept) {
        await sweep(root);
        swept.set(root, generation);
        if (part.whole && this.#roots.get(root) === generation) this.#roots.delete(root);
      }
    }
  }

  /** @returns those that nobody takes just now; they are pending */
  async #replay(targets: readonly InvalidationTarget[], run: RecoveryRun): Promise<InvalidationTarget[]> {
    const AT_ONCE = 200;
    const left: InvalidationTarget[] = [];
    const apply = async (target: InvalidationTarget): Promise<void> => {
      try {
        await this.#apply(run, target);
        this.acknowledge(target);
      } catch (error) {
        if (!(error instanceof RedisUnavailableError) || error.trouble !== 'away') throw error;
        this.begin(target);
        left.push(target);
      }
    };
    for (let from = 0; from < targets.length; from += AT_ONCE) {
      await Promise.all(targets.slice(from, from + AT_ONCE).map(apply));
    }
    return left;
  }
}
