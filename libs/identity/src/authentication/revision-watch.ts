import { DatabaseUnavailableError } from '@promptsales/database';
import { ANSWER_WITHIN_MS, type KeyFact, type KeySource } from './key-facts.js';

/**
 * Keeps what this process knows of keys in step with the database.
 *
 * 1. `verifiedAt` is when the last successful look *began*. Whatever was committed before that moment is applied here.
 * 2. What is known may be used without waiting for `VERIFIED_FOR_MS` after it. So a revocation that is committed at T is in
 *    force for every request that arrives after T + 0.9 s, whether the timer ran or not: a process that was stopped, or whose
 *    event loop was blocked, finds its knowledge too old and looks first.
 * 3. Only when a look fails (the database does not answer this process within 1 s) is older knowledge used, for at most the
 *    grace, since then nobody can be told apart any more. A failure that came late because we were slow ourselves proves
 *    nothing and is repeated.
 * 4. A clock that runs backwards is another database (a restored backup, a replica that was behind): all is forgotten.
 */
const VERIFIED_FOR_MS = 900;
/** A failure that took this much longer than it could is our own delay. */
const OWN_DELAY_MS = 250;
const MOST_CHANGES = 500;
const START_ATTEMPTS = 10;

export type Trust =
  /** Use it. */
  | 'verified'
  /** Use it: the database is gone, and not for too long. */
  | 'grace'
  /** Wait for the look that is under way. */
  | 'stale'
  /** Do not use it: the database has been gone for longer than the grace. */
  | 'outlived';

export interface WatchOptions {
  readonly source: KeySource;
  readonly everyMs: number;
  readonly graceMs: number;
  readonly apply: (facts: readonly KeyFact[]) => void;
  readonly forgetAll: () => void;
  /** Told of each error that is not the database being away; the watch goes on. */
  readonly failed: (error: unknown) => void;
}

export class RevisionWatch {
  readonly #options: WatchOptions;
  #revision = 0;
  #epoch = 0;
  #verifiedAt = Number.NEGATIVE_INFINITY;
  #isGone = false;
  #look: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get verifiedAt(): number {
    return this.#verifiedAt;
  }

  trust(now: number): Trust {
    const age = now - this.#verifiedAt;
    if (age <= VERIFIED_FOR_MS) return 'verified';
    if (!this.#isGone) return 'stale';
    return age <= this.#options.graceMs ? 'grace' : 'outlived';
  }

  /** True when what a snapshot holds will be followed by every later change, so that it may be kept. */
  canKeep(snapshot: { revision: number; epoch: number }): boolean {
    return snapshot.revision >= this.#revision && snapshot.epoch === this.#epoch;
  }

  /** A first look, then one at each interval. Throws when the database still does not answer after some attempts. */
  async start(): Promise<void> {
    for (let attempt = 1; this.#verifiedAt === Number.NEGATIVE_INFINITY; attempt += 1) {
      try {
        await this.#lookFirst();
      } catch (error) {
        // A machine that is busy starting everything at once may need more than a second for it.
        if (!(error instanceof DatabaseUnavailableError) || attempt === START_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, this.#options.everyMs));
      }
    }
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The look that is under way, or a new one; never rejects. */
  settled(): Promise<void> {
    this.#look ??= this.#lookNow().finally(() => {
      this.#look = null;
      this.#schedule();
    });
    return this.#look;
  }

  /** A look that begins after this call: whatever was committed before is then in force here. */
  async refresh(): Promise<void> {
    if (this.#look !== null) await this.#look;
    await this.settled();
  }

  /** No key is known yet, so there are no changes to follow: only where the clock stands. */
  async #lookFirst(): Promise<void> {
    const began = performance.now();
    const { revision, epoch } = await this.#options.source.byDigest([]);
    [this.#revision, this.#epoch, this.#verifiedAt] = [revision, epoch, began];
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.settled(), this.#options.everyMs);
    this.#timer.unref();
  }

  async #lookNow(): Promise<void> {
    for (;;) {
      const began = performance.now();
      try {
        await this.#catchUp();
        this.#verifiedAt = began;
        this.#isGone = false;
        return;
      } catch (error) {
        const ownDelay = performance.now() - began > ANSWER_WITHIN_MS + OWN_DELAY_MS;
        if (ownDelay && !this.#stopped) continue;
        this.#isGone = true;
        if (!(error instanceof DatabaseUnavailableError)) this.#options.failed(error);
        return;
      }
    }
  }

  async #catchUp(): Promise<void> {
    const { source, apply, forgetAll } = this.#options;
    for (;;) {
      const changes = await source.changedAfter(this.#revision, MOST_CHANGES);
      if (changes.epoch !== this.#epoch || changes.revision < this.#revision) {
        forgetAll();
        [this.#revision, this.#epoch] = [changes.revision, changes.epoch];
        return;
      }
      apply(changes.keys);
      this.#revision = changes.lastRevision ?? changes.revision;
      if (changes.lastRevision === null) return;
    }
  }
}
