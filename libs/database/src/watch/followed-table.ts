import { sql } from 'kysely';
import type { Database } from '../database.js';
import { ChangeWatch } from './change-watch.js';

const EVERY_MS = 500;

export interface FollowedTableOptions {
  readonly database: Database;
  /** As `createChangeClock` was told. */
  readonly clock: { readonly name: string; readonly table: string };
  /** Told why a look failed. */
  readonly failed: (error: unknown) => void;
}

interface Clock {
  readonly at_revision: string;
  readonly at_epoch: string;
}

/**
 * What a small table with a change clock says, at hand in every process without asking anybody.
 *
 * 1. What was committed is in force in every process at most `EVERY_MS` and one query later; in the process that was asked to
 *    `refresh`, when that returns.
 * 2. While the database is away, what was last known stays in force.
 * 3. Rows are read in one statement with the clock that is noted for them: a change that comes between is seen by the next look.
 */
export abstract class FollowedTable<Row extends { readonly revision: string }> {
  readonly #options: FollowedTableOptions;
  readonly #watch: ChangeWatch;
  #clock: Clock | undefined;

  protected constructor(options: FollowedTableOptions) {
    this.#options = options;
    this.#watch = new ChangeWatch({ look: () => this.#catchUp(), everyMs: EVERY_MS, failed: options.failed });
  }

  /** Throws when the database still does not answer after some attempts. */
  async start(): Promise<this> {
    await this.#watch.start();
    return this;
  }

  stop(): void {
    this.#watch.stop();
  }

  /** A look that begins after this call: what was committed before is then in force here. Never rejects. */
  refresh(): Promise<void> {
    return this.#watch.refresh();
  }

  /** All rows, in the order in which they were last changed, put in place of those before. */
  protected abstract take(rows: readonly Row[]): void;

  async #catchUp(): Promise<void> {
    const { database, clock } = this.#options;
    const db = database.control();
    const ticks = sql.table(`${clock.name}_clock`);
    const now = await sql<Clock>`select revision as at_revision, epoch as at_epoch from ${ticks}`.execute(db);
    if (isSame(now.rows[0], this.#clock)) return;
    const { rows } = await sql<Clock & (Row | { readonly revision: null })>`
      select followed.*, clock.revision as at_revision, clock.epoch as at_epoch
      from ${ticks} as clock left join ${sql.table(clock.table)} as followed on true
      order by followed.revision`.execute(db);
    // An empty table leaves the clock alone in its row.
    this.take(rows.filter((row): row is Clock & Row => row.revision !== null));
    this.#clock = rows[0];
  }
}

function isSame(one: Clock | undefined, other: Clock | undefined): boolean {
  return one?.at_revision === other?.at_revision && one?.at_epoch === other?.at_epoch;
}
