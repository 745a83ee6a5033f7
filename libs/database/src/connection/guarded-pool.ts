import type { PostgresPool } from 'kysely';
import { Pool, type ClientConfig, type PoolClient, type PoolConfig } from 'pg';
import { DatabaseUnavailableError } from '../errors.js';
import type { Availability } from './availability.js';
import { remainingMs } from './deadline.js';
import { unavailability } from './faults.js';
import { GuardedClient } from './guarded-client.js';
import { unlessAnswered } from './patience.js';
import { SocketClient } from './socket-client.js';

export interface PoolSettings {
  readonly url: string;
  /** Seen in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly maxConnections: number;
  /** Waiting for a free connection, or for a new one. */
  readonly acquireTimeoutMs: number;
  /** A query without a nearer deadline. */
  readonly queryTimeoutMs: number;
  /** The server's own bound, for statements whose client is gone. */
  readonly statementTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly suspectAfterMs: number;
}

/** How long a regular good-bye may take at the end. */
const FAREWELL_MS = 2000;

/** `pg`'s pool behind deadlines: nobody waits for a connection or an answer longer than said, whatever the server does. */
export class GuardedPool implements PostgresPool {
  readonly options: object = {};
  readonly #settings: PoolSettings;
  readonly #availability: Availability;
  readonly #pool: Pool;
  readonly #alive = new Set<SocketClient>();
  readonly #busy = new Set<GuardedClient>();
  readonly #waiting = new Set<(error: DatabaseUnavailableError) => void>();

  constructor(settings: PoolSettings, availability: Availability) {
    this.#settings = settings;
    this.#availability = availability;
    const alive = this.#alive;
    class TrackedClient extends SocketClient {
      constructor(config: ClientConfig = {}) {
        super(config);
        alive.add(this);
        this.once('end', () => alive.delete(this));
        // From the pool's letting go of a client to our taking it nobody else listens; unheard, an error would end the process.
        this.on('error', () => availability.suspect());
      }
    }
    const config: PoolConfig = {
      Client: TrackedClient,
      connectionString: settings.url,
      application_name: settings.applicationName,
      max: settings.maxConnections,
      // Only clears away a connection that hangs; who waits for it has its own, shorter timer.
      connectionTimeoutMillis: settings.acquireTimeoutMs + 500,
      idleTimeoutMillis: settings.idleTimeoutMs,
      statement_timeout: settings.statementTimeoutMs,
      idle_in_transaction_session_timeout: settings.statementTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    };
    this.#pool = new Pool(config);
    // An idle connection that dies is the pool's to drop and ours to notice; unheard, it would end the process.
    this.#pool.on('error', () => availability.suspect());
    availability.onChange(({ state }) => {
      if (state === 'disconnected') this.#abandonAll();
    });
  }

  async connect(): Promise<GuardedClient> {
    this.#availability.assertConnected();
    const client = new GuardedClient(await this.#acquired(), {
      queryTimeoutMs: this.#settings.queryTimeoutMs,
      suspectAfterMs: this.#settings.suspectAfterMs,
      suspect: () => this.#availability.suspect(),
      cut,
      released: (released) => this.#busy.delete(released),
    });
    this.#busy.add(client);
    return client;
  }

  /** Waits for what is under way, within a bound, and leaves no socket behind. */
  async end(): Promise<void> {
    const farewell = Promise.withResolvers<void>();
    const timer = setTimeout(farewell.resolve, FAREWELL_MS);
    await Promise.race([this.#pool.end(), farewell.promise]);
    clearTimeout(timer);
    for (const client of this.#alive) client.cut();
  }

  #acquired(): Promise<PoolClient> {
    const pooled = this.#pool.connect();
    return new Promise((resolve, reject) => {
      let over = false;
      const fail = (error: unknown): void => {
        if (over) return;
        over = true;
        callOff();
        this.#waiting.delete(fail);
        reject(error);
      };
      const waitMs = Math.max(0, remainingMs(this.#settings.acquireTimeoutMs));
      const callOff = unlessAnswered(waitMs, () => {
        this.#availability.suspect();
        fail(new DatabaseUnavailableError(this.#isExhausted() ? 'pool_exhausted' : 'deadline'));
      });
      this.#waiting.add(fail);
      pooled.then(
        (client) => {
          // Too late for who asked: the next one gets it.
          if (over) return client.release();
          over = true;
          callOff();
          this.#waiting.delete(fail);
          resolve(client);
        },
        (error: unknown) => {
          const unavailable = unavailability(error);
          if (unavailable?.reason === 'connection_lost') this.#availability.suspect();
          fail(unavailable ?? error);
        },
      );
    });
  }

  #isExhausted(): boolean {
    return this.#busy.size >= this.#settings.maxConnections;
  }

  #abandonAll(): void {
    const error = this.#availability.refusal();
    const lost = new DatabaseUnavailableError('connection_lost');
    for (const fail of this.#waiting) fail(error);
    for (const client of this.#busy) client.abandon(lost);
    for (const client of this.#alive) client.cut();
  }
}

function cut(client: PoolClient): void {
  if (client instanceof SocketClient) client.cut();
}
