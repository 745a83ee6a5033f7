import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { Availability } from '../connection/availability.js';
import { codeOf, summary } from '../connection/faults.js';
import { GuardedPool } from '../connection/guarded-pool.js';
import { DatabaseUnavailableError, MigrationError } from '../errors.js';
import { BREAKING_MARK, combined, type Migration, type MigrationSet } from './migration-set.js';

/**
 * Brings the schema to what the code needs.
 *
 * 1. One session advisory lock is held from the first look to the last step, so processes that start together take turns and
 *    the later ones find nothing to do. It goes with its connection, so a killed process leaves no lock behind.
 * 2. All pending steps are one transaction: the schema is at a version, never between two.
 * 3. Steps that the database has and the code does not are from a newer version. They are accepted unless one is breaking.
 */
export interface MigrateOptions {
  readonly url: string;
  readonly sets: readonly MigrationSet[];
  /** How long another process may hold the lock. */
  readonly lockTimeoutMs?: number;
  /** The longest single statement of a step. */
  readonly statementTimeoutMs?: number;
}

export interface MigrationReport {
  /** Recorded names of the steps that ran now. */
  readonly applied: readonly string[];
  /** Recorded names that a newer version has put there. */
  readonly newer: readonly string[];
}

const RECORD = 'schema_migrations';
/** Any constant will do, as long as it stays the same for ever. */
const LOCK_KEY = 7_310_984_520_164_421n;

export async function migrate(options: MigrateOptions): Promise<MigrationReport> {
  const steps = combined(options.sets);
  const statementTimeoutMs = options.statementTimeoutMs ?? 300_000;
  const lockTimeoutMs = options.lockTimeoutMs ?? 60_000;
  const availability = new Availability({ probe: () => Promise.resolve(), probeEveryMs: 1000 });
  const pool = new GuardedPool(
    {
      url: options.url,
      applicationName: 'promptsales migrations',
      maxConnections: 2,
      acquireTimeoutMs: 10_000,
      queryTimeoutMs: statementTimeoutMs,
      statementTimeoutMs,
      idleTimeoutMs: 10_000,
      suspectAfterMs: statementTimeoutMs,
    },
    availability,
  );
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await db.connection().execute(async (holder) => {
      await lock(holder, lockTimeoutMs);
      return await applyPending(db, steps);
    });
  } finally {
    // Ends the session that holds the lock, and the lock with it.
    await db.destroy();
  }
}

async function lock(db: Kysely<Record<string, never>>, timeoutMs: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${`${timeoutMs}ms`}, false)`.execute(db);
  try {
    await sql`select pg_advisory_lock(${LOCK_KEY})`.execute(db);
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error;
    throw new MigrationError(
      'migration_locked',
      `Another process has been migrating the database for over ${timeoutMs / 1000} s; look for "promptsales migrations" in pg_stat_activity`,
      { cause: error },
    );
  }
}

async function applyPending(
  db: Kysely<Record<string, never>>,
  steps: ReadonlyMap<string, Migration>,
): Promise<MigrationReport> {
  const newer = assertCompatible(await recorded(db), steps);
  // Kysely refuses a record that it has no step for; these were looked at above, and have run already.
  const placeholders = newer.map((name) => [name, { up: () => Promise.resolve() }] as const);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(Object.fromEntries([...steps, ...placeholders])) },
    migrationTableName: RECORD,
    migrationLockTableName: `${RECORD}_lock`,
    // Libraries number their steps each for itself, so a new step may sort before another library's old one.
    allowUnorderedMigrations: true,
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw failed(error, results.find((result) => result.status === 'Error')?.migrationName);
  return { applied: results.map((result) => result.migrationName), newer };
}

async function recorded(db: Kysely<Record<string, never>>): Promise<readonly string[]> {
  const table = await sql<{ known: boolean }>`select to_regclass(${RECORD}) is not null as known`.execute(db);
  if (table.rows[0]?.known !== true) return [];
  const rows = await sql<{ name: string }>`select name from ${sql.table(RECORD)} order by name`.execute(db);
  return rows.rows.map((row) => row.name);
}

/** The names that only a newer version knows. Throws where this version must not work on them. */
function assertCompatible(names: readonly string[], steps: ReadonlyMap<string, Migration>): readonly string[] {
  const newer = names.filter((name) => !steps.has(name));
  for (const name of newer) {
    const twin = name.endsWith(BREAKING_MARK) ? name.slice(0, -1) : `${name}${BREAKING_MARK}`;
    if (steps.has(twin)) {
      throw new MigrationError(
        'migration_invalid',
        `The migration ${twin} has run as ${name}; a step keeps its mark for ever`,
        {
          migration: twin,
        },
      );
    }
  }
  const breaking = newer.filter((name) => name.endsWith(BREAKING_MARK));
  const [first] = breaking;
  if (first !== undefined) {
    throw new MigrationError(
      'database_newer',
      `The database was migrated by a newer version of PromptSales Cache that this one cannot work with (${breaking.join(', ')}). Start that version, or restore the database from before it.`,
      { migration: first },
    );
  }
  return newer;
}

function failed(error: unknown, migration: string | undefined): Error {
  if (error instanceof DatabaseUnavailableError) return error;
  const which = migration === undefined ? 'The migration of the database' : `The migration ${migration}`;
  return new MigrationError('migration_failed', `${which} failed and nothing of it was kept: ${summary(error)}`, {
    ...(migration === undefined ? {} : { migration }),
    cause: error,
  });
}
