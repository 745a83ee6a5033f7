import type { FencedLock, FencingSource } from '@promptsales/cache-core';
import type { Database } from '@promptsales/database';
import { sql, type Kysely, type Transaction } from 'kysely';

interface FencingTables {
  lock_fences: { readonly tenant: string; readonly lock: string; readonly number: string; readonly drawn_at: Date };
}

/** A later holder of the lock has drawn a number: whoever still has this one must not write any more. */
export class FencedOutError extends Error {
  readonly code = 'fenced_out';

  constructor(
    readonly lock: FencedLock,
    readonly number: number,
  ) {
    super(
      `the lock ${lock.key} has had another holder since the fencing number ${number} was drawn; nothing was written`,
    );
    this.name = 'FencedOutError';
  }
}

/** A lock must not wait for its number for longer than it lasts. */
const DRAW_MS = 1000;

/**
 * Fencing numbers in PostgreSQL.
 *
 * The row of a lock is locked while its number is drawn, and the number is taken from the sequence under that lock; so the
 * numbers of one lock rise in the order in which they are drawn, in every process.
 */
export class FencingNumbers implements FencingSource {
  readonly #database: Database;
  readonly #withinMs: number;

  constructor(database: Database, withinMs = DRAW_MS) {
    this.#database = database;
    this.#withinMs = withinMs;
  }

  /** @throws DatabaseUnavailableError */
  next({ tenant, key }: FencedLock): Promise<number> {
    return this.#database.withDeadline(this.#withinMs, async () => {
      // `excluded.number` was taken before the row was locked, and may be smaller than what stands there.
      const { rows } = await sql<{ number: string }>`
        insert into lock_fences as fence (tenant, lock, number, drawn_at)
        values (${tenant}, ${key}, nextval('lock_fence_numbers'), now())
        on conflict (tenant, lock) do update set number = nextval('lock_fence_numbers'), drawn_at = now()
        returning number`.execute(this.#database.as<FencingTables>());
      return Number(rows[0]?.number);
    });
  }

  /**
   * Lets a transaction go on only if no later holder has drawn a number, and keeps the next one from drawing until it ends.
   * @throws FencedOutError
   */
  async assertCurrent<Tables>(transaction: Transaction<Tables>, lock: FencedLock, number: number): Promise<void> {
    const row = await (transaction as unknown as Kysely<FencingTables>)
      .selectFrom('lock_fences')
      .select('number')
      .where('tenant', '=', lock.tenant)
      .where('lock', '=', lock.key)
      .forShare()
      .executeTakeFirst();
    if (Number(row?.number) !== number) throw new FencedOutError(lock, number);
  }
}
