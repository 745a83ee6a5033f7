import { FollowedTable, type Database } from '@promptsales/database';
import type { Selectable } from 'kysely';
import type { PolicySource } from '../gateway/directories.js';
import { PolicyTable, type CachePolicy, type PolicySubject } from '../request/policy.js';
import { policyOf } from './policy-rows.js';
import type { PoliciesTable } from './policy-tables.js';

/** The policies that are stored, at hand in every process without asking anybody. */
export class PolicyDirectory extends FollowedTable<Selectable<PoliciesTable>> implements PolicySource {
  #table = new PolicyTable([]);

  /** @param failed told why changes could not be looked for */
  constructor(database: Database, failed: (error: unknown) => void = () => undefined) {
    super({ database, clock: { name: 'llm_policy', table: 'llm_policies' }, failed });
  }

  choose(subject: PolicySubject): CachePolicy {
    return this.#table.choose(subject);
  }

  protected take(rows: readonly Selectable<PoliciesTable>[]): void {
    this.#table = new PolicyTable(rows.map(policyOf));
  }
}
