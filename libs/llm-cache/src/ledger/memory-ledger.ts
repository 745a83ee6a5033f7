import { randomUUID } from 'node:crypto';
import { type CallFacts, type CallOutcome, type HitFacts, type Intent, Ledger } from './ledger.js';

/** One upstream call as it was told to the ledger; `outcome` is null while the call is open. */
export interface RememberedCall {
  readonly id: string;
  readonly facts: CallFacts;
  outcome: CallOutcome | null;
}

/** Keeps every line in this process and loses them with it: for tests, and for programs that want no PostgreSQL. */
export class MemoryLedger extends Ledger {
  readonly calls: RememberedCall[] = [];
  readonly hits: HitFacts[] = [];

  override begin(facts: CallFacts): Promise<Intent> {
    const call: RememberedCall = { id: randomUUID(), facts, outcome: null };
    this.calls.push(call);
    return Promise.resolve({
      id: call.id,
      settle: (outcome: CallOutcome): void => {
        call.outcome ??= outcome;
      },
      withdraw: (): void => {
        const at = this.calls.indexOf(call);
        if (at >= 0 && call.outcome === null) this.calls.splice(at, 1);
      },
    });
  }

  override reused(hit: HitFacts): void {
    this.hits.push(hit);
  }
}
