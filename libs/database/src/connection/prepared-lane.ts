import { codeOf } from './faults.js';
import type { GuardedPool } from './guarded-pool.js';

/** A statement of which the server keeps the plan; one name always stands for one text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Told by what stands in front of PostgreSQL and hands a connection on between statements: the name is not there, or another's. */
const NAME_IS_NOT_OURS: ReadonlySet<string> = new Set(['26000', '42P05']);

/**
 * For statements that requests wait for: on connections that stay open, and planned once for each of them. A small `INSERT`
 * takes half as long so. Behind a pooler that cannot keep what is prepared, statements are sent as text.
 */
export class PreparedLane {
  readonly #pool: GuardedPool;
  #named = true;

  constructor(pool: GuardedPool) {
    this.#pool = pool;
  }

  /** @throws DatabaseUnavailableError, or what the server says of the statement */
  async run({ name, text }: Statement, values: readonly unknown[]): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.prepared(this.#named ? name : undefined, text, values);
    } catch (error) {
      // Nothing was run: the server says so before it begins.
      if (!this.#named || !NAME_IS_NOT_OURS.has(codeOf(error))) throw error;
      this.#named = false;
      await client.prepared(undefined, text, values);
    } finally {
      client.release();
    }
  }
}
