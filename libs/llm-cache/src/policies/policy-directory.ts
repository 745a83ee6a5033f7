/**
 * The policies that are stored, at hand in every process without asking anybody.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. What was committed is in force in every process at most `EVERY_MS` and one query later; in the process that was asked to
 *    `refresh`, when that returns.
 * 2. While the database is away, what was last known stays in force.
 */
import { ChangeWatch, type Database } from '@promptsales/database';
import type { PolicySource } from '../gateway/directories.js';
import { PolicyTable, type CachePolicy, type PolicySubject } from '../request/policy.js';
import { clockOf, readAll, type PolicyClock } from './policy-rows.js';
import type { PolicyTables } from './policy-tables.js';

const EVERY_MS = 500;

export class PolicyDirectory implements PolicySource {
  readonly #database: Database;
  readonly #watch: ChangeWatch;
  #clock: PolicyClock | null = null;
  #table = new PolicyTable([]);

  /** @param failed told why changes could not be looked for */
  constructor(database: Database, failed: (error: unknown) => void = () => undefined) {
    this.#database = database;
    this.#watch = new ChangeWatch({ look: () => this.#catchUp(), everyMs: EVERY_MS, failed });
  }

  /** Throws when the database still does not answer after some attempts. */
  async start(): Promise<this> {
    await this.#watch.start();
    return this;
  }

  stop(): void {
    this.#watch.stop();
  }

  choose(subject: PolicySubject): CachePolicy {
    return this.#table.choose(subject);
  }

  /** A look that begins after this call: what was committed before is then in force here. Never rejects. */
  refresh(): Promise<void> {
    return this.#watch.refresh();
  }

  async #catchUp(): Promise<void> {
    const db = this.#database.control<PolicyTables>();
    const now = await clockOf(db);
    if (now.revision === this.#clock?.revision && now.epoch === this.#clock.epoch) return;
    const { clock, policies } = await readAll(db);
    this.#table = new PolicyTable(policies);
    this.#clock = clock;
  }
}
