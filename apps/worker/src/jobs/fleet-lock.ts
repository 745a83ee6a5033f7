import type { Database } from '@promptsales/database';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';

/** Marks our locks among those of other users of the same database. */
const LOCK_CLASS = 0x70_73_6a_62;

export type Attempt<T> = { readonly ran: true; readonly result: T } | { readonly ran: false };

/**
 * Lets one process of the whole fleet do a thing at a time. The lock is PostgreSQL's own, held by a connection: a worker that dies or
 * is cut off loses it without anybody having to clean up. A worker that lost its connection may still be at work for a moment when the
 * next one begins, which is why jobs must be safe to repeat; the lock saves work, it does not carry correctness.
 */
export class FleetLock {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Runs `work` if nobody else has `name`, and says whether it did. */
  tryWith<T>(name: string, work: () => Promise<T>): Promise<Attempt<T>> {
    const key = lockKey(name);
    return this.#database
      .as<Record<string, never>>()
      .connection()
      .execute(async (connection): Promise<Attempt<T>> => {
        const { rows } = await sql<{
          held: boolean;
        }>`select pg_try_advisory_lock(${LOCK_CLASS}::int, ${key}::int) as held`.execute(connection);
        if (rows[0]?.held !== true) return { ran: false };
        try {
          return { ran: true, result: await work() };
        } finally {
          await sql`select pg_advisory_unlock(${LOCK_CLASS}::int, ${key}::int)`.execute(connection);
        }
      });
  }
}

function lockKey(name: string): number {
  return createHash('sha256').update(name).digest().readInt32BE(0);
}
