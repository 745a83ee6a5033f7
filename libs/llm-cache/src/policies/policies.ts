/**
 * Policies as administrators change them: truth in PostgreSQL. A change and its line in the audit log are committed together,
 * or neither is.
 */
import { lockName, type Database } from '@promptsales/database';
import type { Kysely, Transaction } from 'kysely';
import { DEFAULT_POLICY, type CachePolicy } from '../request/policy.js';
import { isPolicyName, policyBody } from './policy-body.js';
import { PolicyError } from './policy-error.js';
import { deletePolicy, findPolicy, listPolicies, writePolicy, type StoredPolicy } from './policy-rows.js';
import type { PolicyTables } from './policy-tables.js';

export interface PolicyAct {
  readonly action: 'llm_policy.create' | 'llm_policy.replace' | 'llm_policy.delete';
  /** `llm_policy:default` */
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Who changes policies. */
export interface PolicyActor {
  /** Writes an act down in the transaction that carries it out. */
  note<Tables>(transaction: Transaction<Tables>, act: PolicyAct): Promise<void>;
}

export class Policies {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws PolicyError `not_found` */
  async find(name: string): Promise<StoredPolicy> {
    const found = isPolicyName(name) ? await findPolicy(this.#db, name) : null;
    if (found === null) throw notThere(name);
    return found;
  }

  /** By name. */
  list(after: string | null, limit: number): Promise<StoredPolicy[]> {
    return listPolicies(this.#db, after, limit);
  }

  /** Stores a policy in place of what was there. */
  save(actor: PolicyActor, policy: CachePolicy): Promise<{ readonly created: boolean; readonly policy: StoredPolicy }> {
    const { name } = policy;
    return this.#db.transaction().execute(async (transaction) => {
      await lockName(transaction, 'llm policy', name);
      const before = await findPolicy(transaction, name);
      const after = await writePolicy(transaction, policy);
      await actor.note(transaction, {
        action: before === null ? 'llm_policy.create' : 'llm_policy.replace',
        target: `llm_policy:${name}`,
        detail: { before: before === null ? null : policyBody(before), after: policyBody(after) },
      });
      return { created: before === null, policy: after };
    });
  }

  /** @throws PolicyError `not_found`; `conflict` for the default, which is what holds where nothing else does */
  async remove(actor: PolicyActor, name: string): Promise<void> {
    if (name === DEFAULT_POLICY.name) {
      throw new PolicyError('conflict', 'The policy default cannot be deleted. Change it with PUT.');
    }
    if (!isPolicyName(name)) throw notThere(name);
    await this.#db.transaction().execute(async (transaction) => {
      await lockName(transaction, 'llm policy', name);
      const before = await findPolicy(transaction, name);
      if (before === null) throw notThere(name);
      await deletePolicy(transaction, name);
      const detail = { before: policyBody(before) };
      await actor.note(transaction, { action: 'llm_policy.delete', target: `llm_policy:${name}`, detail });
    });
  }

  get #db(): Kysely<PolicyTables> {
    return this.#database.as<PolicyTables>();
  }
}

function notThere(name: string): PolicyError {
  return new PolicyError('not_found', `No policy is called ${name}.`);
}
