import { codeOf } from './faults.js';
import type { GuardedClient } from './guarded-client.js';
import type { GuardedPool } from './guarded-pool.js';

/** A statement of which the server keeps the plan; one name always stands for one text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Told by what stands in front of PostgreSQL and hands a connection on between statements: the name is not there, or another's. */
const NAME_IS_NOT_OURS: ReadonlySet<string> = new Set(['26000', '42P05']);

/**
 * For statements that requests wait for: on connections that stay open and at hand, and planned once for each of them. A small
 * `INSERT` takes half as long so. Behind a pooler that cannot keep what is prepared, statements are sent as text.
 */
export class PreparedLane {
  readonly #pool: GuardedPool;
  /** Not given back to the pool: to be lent by it anew takes longer than to send a statement. */
  readonly #atHand: GuardedClient[] = [];
  #named = true;
  #closed = false;

  constructor(pool: GuardedPool) {
    this.#pool = pool;
  }

  /** @throws DatabaseUnavailableError, or what the server says of the statement */
  async run(statement: Statement, values: readonly unknown[]): Promise<void> {
    const client = this.#unbroken() ?? (await this.#pool.connect());
    try {
      await this.#runOn(client, statement, values);
    } finally {
      if (this.#closed || client.broken) client.release();
      else this.#atHand.push(client);
    }
  }

  /** Lets statements that are under way end, as the pool does. */
  close(): Promise<void> {
    this.#closed = true;
    for (const client of this.#atHand.splice(0)) client.release();
    return this.#pool.end();
  }

  #unbroken(): GuardedClient | null {
    for (let client = this.#atHand.pop(); client !== undefined; client = this.#atHand.pop()) {
      if (!client.broken) return client;
      client.release();
    }
    return null;
  }

  async #runOn(client: GuardedClient, { name, text }: Statement, values: readonly unknown[]): Promise<void> {
    try {
      await client.prepared(this.#named ? name : undefined, text, values);
    } catch (error) {
      // Nothing was run: the server says so before it begins.
      if (!this.#named || !NAME_IS_NOT_OURS.has(codeOf(error))) throw error;
      this.#named = false;
      await client.prepared(undefined, text, values);
    }
  }
}
