import type { PostgresCursor, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type { PoolClient, QueryConfig } from 'pg';
import { DatabaseUnavailableError } from '../errors.js';
import { remainingMs } from './deadline.js';
import { unavailability } from './faults.js';
import { unlessAnswered } from './patience.js';

export interface GuardRules {
  readonly queryTimeoutMs: number;
  /** A query that takes longer makes a suspicion. */
  readonly suspectAfterMs: number;
  readonly suspect: () => void;
  /** Cuts the connection under the client. */
  readonly cut: (client: PoolClient) => void;
  readonly released: (client: GuardedClient) => void;
}

/**
 * One checked-out client. No query outlives its deadline, and a client that broke one is cut and never goes back to the pool:
 * its answer may still arrive, and would be taken for that of the next query.
 */
export class GuardedClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  readonly #rules: GuardRules;
  #broken: DatabaseUnavailableError | null = null;
  #abort: ((error: DatabaseUnavailableError) => void) | null = null;

  constructor(client: PoolClient, rules: GuardRules) {
    this.#client = client;
    this.#rules = rules;
    // While a client is checked out the pool does not listen, and an unheard error event ends the process.
    client.on('error', this.#onError);
  }

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(
    statement: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof statement !== 'string') throw new TypeError('Cursors have no deadline here; page by key instead');
    return this.#guarded<R>({ text: statement, values: [...parameters] });
  }

  /** As `query`; under a name the server keeps the statement and its plan for as long as the connection lives. */
  async prepared(name: string | undefined, text: string, values: readonly unknown[]): Promise<void> {
    await this.#guarded({ name, text, values: [...values] });
  }

  /** Its connection is gone or may not be used any more. */
  get broken(): boolean {
    return this.#broken !== null;
  }

  release(destroy = false): void {
    this.#client.off('error', this.#onError);
    this.#rules.released(this);
    this.#client.release(destroy || this.#broken !== null);
  }

  /** Fails whatever is under way and cuts the connection. */
  abandon(error: DatabaseUnavailableError): void {
    this.#broken ??= error;
    this.#rules.cut(this.#client);
    this.#abort?.(error);
  }

  #guarded<R>(query: QueryConfig): Promise<PostgresQueryResult<R>> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    const deadlineMs = remainingMs(this.#rules.queryTimeoutMs);
    if (deadlineMs <= 0) return Promise.reject(new DatabaseUnavailableError('deadline'));
    const { suspectAfterMs, suspect } = this.#rules;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => this.abandon(new DatabaseUnavailableError('deadline'));
      let callOff = unlessAnswered(Math.min(deadlineMs, suspectAfterMs), () => {
        if (deadlineMs <= suspectAfterMs) return giveUp();
        suspect();
        callOff = unlessAnswered(deadlineMs - suspectAfterMs, giveUp);
      });
      const settle = (): void => {
        callOff();
        this.#abort = null;
      };
      this.#abort = (error) => {
        settle();
        suspect();
        reject(error);
      };
      this.#client.query(query).then(
        (result) => {
          settle();
          // Kysely's list of commands is shorter than PostgreSQL's; it looks for a few of them only.
          resolve(result as unknown as PostgresQueryResult<R>);
        },
        (error: unknown) => {
          settle();
          reject(this.#judged(error));
        },
      );
    });
  }

  #judged(error: unknown): unknown {
    const unavailable = unavailability(error);
    if (unavailable === null) return error;
    if (unavailable.reason === 'connection_lost') {
      this.#broken ??= unavailable;
      this.#rules.suspect();
    }
    return unavailable;
  }

  readonly #onError = (error: Error): void => {
    this.#broken ??= new DatabaseUnavailableError('connection_lost', { cause: error });
    this.#rules.suspect();
  };
}
