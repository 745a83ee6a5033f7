import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Kysely, PostgresDialect } from 'kysely';
import { Availability, type DatabaseState, type StateChange } from './connection/availability.js';
import { withDeadline } from './connection/deadline.js';
import { GuardedPool, type PoolSettings } from './connection/guarded-pool.js';
import { PreparedLane } from './connection/prepared-lane.js';
import { probe } from './connection/probe.js';
import { resolved, type DatabaseOptions, type ResolvedOptions } from './database-options.js';
import { migrate } from './migrations/migrate.js';
import { SYSTEM_CLOCK, waitForDatabase } from './start/wait-for-database.js';

type Schemaless = Record<string, never>;

/**
 * PostgreSQL for every library. Whatever the server does (slow, frozen, killed, gone), each query ends within its deadline, and
 * while the server is known to be gone it fails at once, always with `DatabaseUnavailableError`.
 */
@Injectable()
export class Database implements OnApplicationShutdown {
  readonly #options: ResolvedOptions;
  readonly #availability: Availability;
  readonly #work: Kysely<Schemaless>;
  readonly #control: Kysely<Schemaless>;
  /** For the few statements that every request of a kind waits for. */
  readonly awaited: PreparedLane;
  #closed: Promise<void> | null = null;

  private constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#availability = new Availability({
      probe: () => probe(options.url, options.probeTimeoutMs),
      probeEveryMs: options.probeEveryMs,
    });
    this.#availability.onChange((change) => {
      if (change.state === 'disconnected') {
        options.log.warn(`PostgreSQL at ${options.where} is gone (${change.reason ?? 'unknown'})`);
      } else {
        options.log.info(`PostgreSQL at ${options.where} is back after ${(change.afterMs / 1000).toFixed(1)} s`);
      }
    });
    const { applicationName, maxConnections, controlConnections, awaitedConnections } = options;
    this.#work = kyselyOn(this.#pool({ maxConnections, applicationName }));
    this.#control = kyselyOn(
      this.#pool({ maxConnections: controlConnections, applicationName: `${applicationName} control` }),
    );
    this.awaited = new PreparedLane(
      this.#pool({ maxConnections: awaitedConnections, applicationName: `${applicationName} awaited` }),
    );
  }

  /** Waits for the server, migrates, and answers a database that is ready to be used. */
  static async start(options: DatabaseOptions): Promise<Database> {
    const settled = resolved(options, new Logger('Database'));
    await waitForDatabase({
      where: settled.where,
      probe: () => probe(settled.url, settled.probeTimeoutMs),
      say: (line) => settled.log.warn(line),
      clock: options.clock ?? SYSTEM_CLOCK,
      limitMs: settled.startLimitMs,
      everyMs: 1000,
    });
    if (options.migrations.length > 0) {
      const began = performance.now();
      const { applied, newer } = await migrate({ url: settled.url, sets: options.migrations });
      if (applied.length > 0) {
        settled.log.info(`migrated in ${Math.round(performance.now() - began)} ms: ${applied.join(', ')}`);
      }
      if (newer.length > 0) settled.log.warn(`the database is of a newer, compatible version: ${newer.join(', ')}`);
    }
    return new Database(settled);
  }

  /** The database with the tables of one library. */
  as<Tables>(): Kysely<Tables> {
    return this.#work as unknown as Kysely<Tables>;
  }

  /**
   * The same on connections of its own, for small queries that others wait on (is this key still valid?) and that must get
   * through while the regular connections are all busy. Not for anything that a user can make slow.
   */
  control<Tables>(): Kysely<Tables> {
    return this.#control as unknown as Kysely<Tables>;
  }

  get state(): DatabaseState {
    return this.#availability.state;
  }

  /** Host, port and database name, without credentials. */
  get where(): string {
    return this.#options.where;
  }

  /** Tells of each change of `state`; answers how to stop listening. */
  onStateChange(listener: (change: StateChange) => void): () => void {
    return this.#availability.onChange(listener);
  }

  /** Runs `work` with at most `ms` for all its queries together. */
  withDeadline<T>(ms: number, work: () => Promise<T>): Promise<T> {
    return withDeadline(ms, work);
  }

  /** Asks the server on a fresh connection; milliseconds, or `DatabaseUnavailableError`. For health. */
  async ping(): Promise<number> {
    this.#availability.assertConnected();
    try {
      return await probe(this.#options.url, this.#options.probeTimeoutMs);
    } catch (error) {
      this.#availability.suspect();
      throw error;
    }
  }

  /** The last hook of a shutdown: whoever flushes does it in an earlier one. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#availability.stop();
    await Promise.all([this.#work.destroy(), this.#control.destroy(), this.awaited.close()]);
  }

  #pool(its: Pick<PoolSettings, 'maxConnections' | 'applicationName'> & Partial<PoolSettings>): GuardedPool {
    return new GuardedPool({ ...this.#options, ...its }, this.#availability);
  }
}

function kyselyOn(pool: GuardedPool): Kysely<Schemaless> {
  return new Kysely<Schemaless>({ dialect: new PostgresDialect({ pool }) });
}
