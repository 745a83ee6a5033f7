import { catalogue } from '@promptsales/cache-core';
import type { Database } from '@promptsales/database';
import type { InvalidationOutbox, OutboxObserver } from './invalidation-outbox.js';
import { claimRows, deleteRows, rowsOfSameSubjects, type OutboxTables } from './outbox-rows.js';

export interface RelaySettings {
  readonly everyMs: number;
  /** The writer invalidates as soon as it has committed: a row is only looked at when that should have happened. */
  readonly olderThanMs: number;
  readonly most: number;
}

export const DEFAULT_RELAY: RelaySettings = { everyMs: 500, olderThanMs: 250, most: 200 };

const FAMILIES = catalogue.families.map(({ id }) => id);
/** For all statements of one round, Redis's own deadlines in between. */
const ROUND_MS = 5000;

/**
 * Carries out what writers have committed and not carried out themselves: because they died, because Redis was away, or
 * because they wrote rows by other means. Every process runs one; they share the work by locking rows.
 */
export class OutboxRelay {
  readonly #outbox: InvalidationOutbox;
  readonly #database: Database;
  readonly #settings: RelaySettings;
  readonly #observer: OutboxObserver;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #stopped = false;

  constructor(
    outbox: InvalidationOutbox,
    database: Database,
    settings: Partial<RelaySettings> = {},
    observer: OutboxObserver = {},
  ) {
    this.#outbox = outbox;
    this.#database = database;
    this.#settings = Object.freeze({ ...DEFAULT_RELAY, ...settings });
    this.#observer = observer;
  }

  start(): this {
    this.#again();
    return this;
  }

  /** Resolves when the round that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #again(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.#round = this.#workOff()
          .catch((error: unknown) => this.#observer.trouble?.(error))
          .then(() => this.#again());
      },
      this.#settings.everyMs * (0.75 + Math.random() / 4),
    );
    this.#timer.unref();
  }

  /** Rounds, until one finds fewer rows than it could have taken, or cannot carry out what it found. */
  async #workOff(): Promise<void> {
    for (;;) {
      const { claimed, carriedOut } = await this.#database.withDeadline(ROUND_MS, () => this.#claimAndCarryOut());
      if (this.#stopped || claimed < this.#settings.most || carriedOut < claimed) return;
    }
  }

  #claimAndCarryOut(): Promise<{ claimed: number; carriedOut: number }> {
    const { most, olderThanMs } = this.#settings;
    return this.#database
      .as<OutboxTables>()
      .transaction()
      .execute(async (transaction) => {
        const claimed = await claimRows(transaction, { most, olderThanMs, families: FAMILIES });
        if (claimed.length === 0) return { claimed: 0, carriedOut: 0 };
        const same = await rowsOfSameSubjects(transaction, claimed);
        const done = await this.#outbox.carryOut(claimed);
        const carriedOut = claimed.filter((_, at) => done[at]);
        await deleteRows(
          transaction,
          carriedOut.flatMap(({ id }) => same.get(id) ?? []),
        );
        if (carriedOut.length > 0) {
          this.#observer.carriedOut?.('relay', carriedOut.length, Math.max(...carriedOut.map(({ ageMs }) => ageMs)));
        }
        return { claimed: claimed.length, carriedOut: carriedOut.length };
      });
  }
}
