import * as fc from 'fast-check';
import { sampleCall, sampleHit, SAMPLE_COST, sampleOutcome } from '../../test/ledger/sample-facts.js';
import { ScriptedStore, type StoreMood } from '../../test/ledger/scripted-store.js';
import { publishedPrices } from '../prices/published-prices.js';
import { DurableLedger } from './durable-ledger.js';
import type { Intent } from './ledger.js';
import { LedgerUnavailable } from './ledger-errors.js';

type Step =
  | { do: 'begin'; priced: boolean }
  | { do: 'settle'; which: number; twice: boolean }
  | { do: 'withdraw'; which: number }
  | { do: 'reused'; times: number }
  | { do: 'flush' }
  | { do: 'pass'; milliseconds: number }
  | { do: 'mood'; mood: StoreMood }
  | { do: 'crash' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('begin' as const), priced: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(50), twice: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), which: fc.nat(50) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('reused' as const), times: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), milliseconds: fc.nat(2_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('mood' as const),
      mood: fc.constantFrom<StoreMood>('works', 'works', 'fails', 'forgets', 'hangs'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);

/** One run of a process: what it told the ledger, by somebody who only watches the port. */
interface Run {
  readonly ledger: DurableLedger;
  begun: number;
  withdrawn: number;
  spent: bigint;
  hits: number;
  crashed: boolean;
}

class Model {
  readonly runs: Run[] = [];
  /** What was seen on the way and must not be. */
  readonly violations: string[] = [];
  readonly #store: ScriptedStore;
  #run: Run;
  #open: { intent: Intent; priced: boolean }[] = [];

  constructor(store: ScriptedStore) {
    this.#store = store;
    this.#run = this.#start();
  }

  async take(one: Step): Promise<void> {
    switch (one.do) {
      case 'begin':
        return this.#begin(one.priced);
      case 'settle':
        return this.#settle(one.which, one.twice);
      case 'withdraw':
        return this.#withdraw(one.which);
      case 'reused':
        for (let hit = 0; hit < one.times; hit += 1) this.#run.ledger.reused(sampleHit({ userId: `user-${hit % 10}` }));
        this.#run.hits += one.times;
        return undefined;
      case 'flush':
        if (this.#store.mood === 'works') await this.#run.ledger.flush();
        return undefined;
      case 'pass':
        await jest.advanceTimersByTimeAsync(one.milliseconds);
        return undefined;
      case 'mood':
        if (this.#store.mood === 'hangs') this.#store.thaw();
        this.#store.mood = one.mood;
        await jest.advanceTimersByTimeAsync(0);
        return undefined;
      case 'crash':
        return this.#crash();
    }
  }

  /** PostgreSQL is back for good: everything that no crash took is written. */
  async recover(): Promise<void> {
    this.#store.thaw();
    await jest.advanceTimersByTimeAsync(0);
    await this.#run.ledger.close();
  }

  #start(): Run {
    const ledger = new DurableLedger(this.#store, publishedPrices(), SMALL);
    void ledger.start();
    this.#open = [];
    const run = { ledger, begun: 0, withdrawn: 0, spent: 0n, hits: 0, crashed: false };
    this.runs.push(run);
    return run;
  }

  async #begin(priced: boolean): Promise<void> {
    const began = this.#run.ledger.begin(sampleCall({ model: priced ? 'gpt-4o-mini' : 'llama-9' })).then(
      (intent) => intent,
      (error: unknown) => {
        if (!(error instanceof LedgerUnavailable)) this.violations.push(`begin failed with ${String(error)}`);
        return null;
      },
    );
    const answering = this.#run.ledger.state.databaseAnswers;
    await jest.advanceTimersByTimeAsync(250);
    const intent = await began;
    if (intent === null) return;
    if (this.#store.mood === 'works' && answering && !this.#store.calls.has(intent.id)) {
      this.violations.push('a call went on without its durable intent');
    }
    this.#run.begun += 1;
    this.#open.push({ intent, priced });
  }

  #settle(which: number, twice: boolean): void {
    const [open] = this.#open.splice(which % Math.max(1, this.#open.length), 1);
    if (open === undefined) return;
    open.intent.settle(sampleOutcome({ model: open.priced ? 'gpt-4o-mini' : 'llama-9' }));
    if (twice) open.intent.settle(sampleOutcome());
    if (open.priced) this.#run.spent += SAMPLE_COST;
  }

  /** The call was not made: there is nothing to be booked. */
  #withdraw(which: number): void {
    const [open] = this.#open.splice(which % Math.max(1, this.#open.length), 1);
    if (open === undefined) return;
    open.intent.withdraw();
    this.#run.begun -= 1;
    this.#run.withdrawn += 1;
  }

  /** kill -9: what was only in the process is gone, and the register bounds how much that can be. */
  async #crash(): Promise<void> {
    const { ledger, hits } = this.#run;
    const register = this.#store.processes.get(ledger.processId);
    if (register !== undefined && ledger.state.databaseAnswers) {
      const written = hitsOf(this.#store, ledger.processId);
      if (hits - written > register.hitsReserved - register.hitsWritten) {
        this.violations.push(`the register bounds a loss of ${hits - written} by ${register.hitsReserved - written}`);
      }
      if (register.hitsWritten !== written) this.violations.push('the register counts other lines than there are');
    }
    this.#run.crashed = true;
    jest.clearAllTimers();
    this.#run = this.#start();
    await jest.advanceTimersByTimeAsync(0);
  }
}

const SMALL = { linesPerStatement: 7, maxBufferedReceipts: 60, maxBufferedLines: 20, maxSpooledCalls: 20 };

const NOTHING_TOO_MUCH = { calls: false, spent: false, hits: false };
const NOTHING_MISSING = { calls: 0, spent: 0n, hits: 0 };

/** What stands in the store in the name of one run; dropped hits are known by their number. */
function bookedBy(store: ScriptedStore, ledger: DurableLedger): { calls: number; spent: bigint; hits: number } {
  const calls = [...store.calls.values()].filter((row) => row.process_id === ledger.processId);
  return {
    calls: calls.length,
    spent: calls.reduce((sum, row) => sum + BigInt(row.spent_nano_usd ?? 0), 0n),
    hits: hitsOf(store, ledger.processId) + ledger.state.droppedHits,
  };
}

function hitsOf(store: ScriptedStore, processId: string): number {
  return [...store.reuse.values()]
    .filter((row) => row.process_id === processId)
    .reduce((hits, row) => hits + row.hits, 0);
}

describe('ledger against a model', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: new Date('2026-11-21T12:00:00Z') });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('books every call and every hit exactly once, whatever PostgreSQL does in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const store = new ScriptedStore();
        const model = new Model(store);
        for (const one of steps) await model.take(one);
        await model.recover();
        expect(model.violations).toEqual([]);
        for (const run of model.runs) {
          const { calls, spent, hits } = bookedBy(store, run.ledger);
          // A process that is killed may leave the line of a call that it did not make: unknown, and without a cost.
          const most = run.begun + (run.crashed ? run.withdrawn : 0);
          expect({ calls: calls > most, spent: spent > run.spent, hits: hits > run.hits }).toEqual(NOTHING_TOO_MUCH);
          const missing = { calls: run.begun - calls, spent: run.spent - spent, hits: run.hits - hits };
          expect(run.crashed ? NOTHING_MISSING : missing).toEqual(NOTHING_MISSING);
        }
        expect(store.avoided).toBe(BigInt(store.hits) * SAMPLE_COST);
        jest.clearAllTimers();
      }),
      { numRuns: 400 },
    );
  });
});
