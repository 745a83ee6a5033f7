import { Database } from '@promptsales/database';
import { startPostgres, type TestPostgres, until } from '@promptsales/test-kit';
import { type Kysely, sql } from 'kysely';
import { ledgerMigrations, LedgerUnavailable } from '../../src/index.js';
import { DurableLedger, type DurableLedgerOptions } from '../../src/ledger/durable-ledger.js';
import type { LedgerTables } from '../../src/ledger/ledger-tables.js';
import { PostgresLedgerStore } from '../../src/ledger/postgres-ledger-store.js';
import { readSavings } from '../../src/ledger/savings-query.js';
import { publishedPrices } from '../../src/prices/published-prices.js';
import { sampleCall, sampleHit, SAMPLE_COST, sampleOutcome } from './sample-facts.js';

const QUICK = { suspectAfterMs: 200, probeTimeoutMs: 500, probeEveryMs: 100, queryTimeoutMs: 20_000 };

const ALL_TIME = { from: new Date(0), to: new Date('2100-01-01'), tenant: null, simulated: null };

interface Load {
  /** When so many further calls have begun. */
  further(calls: number): Promise<void>;
  end(): Promise<Counted>;
}

/** What was seen in front of the provider, with nothing of the ledger in it. */
interface Counted {
  calls: number;
  settled: number;
  hits: number;
}

describe('the ledger while PostgreSQL fails', () => {
  let server: TestPostgres;
  let database: Database;
  let ledger: DurableLedger;
  let db: Kysely<LedgerTables>;

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(() => server.stop());

  beforeEach(async () => {
    database = await open();
    db = database.as<LedgerTables>();
    await sql`truncate ledger_calls, ledger_reuse, ledger_processes`.execute(db);
  });

  afterEach(async () => {
    await ledger.close();
    await database.close();
  });

  function open(): Promise<Database> {
    const quiet = { info: () => undefined, warn: () => undefined };
    return Database.start({ url: server.url, migrations: [ledgerMigrations], log: quiet, ...QUICK });
  }

  async function startLedger(options: Partial<DurableLedgerOptions> = {}): Promise<void> {
    ledger = new DurableLedger(new PostgresLedgerStore(database), publishedPrices(), options);
    await ledger.start();
  }

  /** Sixteen callers, each with a call and three hits at a time, until told to stop. */
  function load(): Load {
    const counted: Counted = { calls: 0, settled: 0, hits: 0 };
    const over = new AbortController();
    const caller = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const intent = await ledger.begin(sampleCall());
        counted.calls += 1;
        await pause(4);
        intent.settle(sampleOutcome());
        counted.settled += 1;
        for (let hit = 0; hit < 3; hit += 1) ledger.reused(sampleHit());
        counted.hits += 3;
      }
    };
    const ended = Promise.all(Array.from({ length: 16 }, caller));
    return {
      further: async (calls) => {
        const wanted = counted.calls + calls;
        await until(() => counted.calls >= wanted);
      },
      end: async () => {
        over.abort();
        await ended;
        return counted;
      },
    };
  }

  async function expectReconciled(counted: Counted): Promise<void> {
    await until(async () => {
      const { databaseAnswers, unwrittenCalls, bufferedHits } = ledger.state;
      return Promise.resolve(databaseAnswers && unwrittenCalls + bufferedHits === 0);
    });
    const { calls, reuse } = (await readSavings(db, ALL_TIME, 'day')).total;
    expect(calls).toMatchObject({
      count: counted.calls,
      unsettled: 0,
      unpriced: 0,
      inputTokens: 100 * counted.settled,
    });
    expect(calls?.nanoUsd).toBe(BigInt(counted.settled) * SAMPLE_COST);
    expect(reuse).toMatchObject({ count: counted.hits, inputTokens: 100 * counted.hits });
    expect(reuse?.nanoUsd).toBe(BigInt(counted.hits) * SAMPLE_COST);
  }

  it('reconciles to 0 after PostgreSQL was killed and restarted while calls ran', async () => {
    // The server of tests acknowledges before it writes; the ledger must not let it.
    const { rows } = await sql`show synchronous_commit`.execute(db);
    expect(rows).toEqual([{ synchronous_commit: 'off' }]);
    // While nobody waits for the database, the load runs as fast as the machine allows.
    await startLedger({ maxSpooledCalls: 1_000_000 });
    const running = load();
    await running.further(100);
    await server.kill();
    await until(() => !ledger.state.databaseAnswers);
    await running.further(100);
    await server.restart();
    await until(() => ledger.state.databaseAnswers);
    await running.further(100);
    await expectReconciled(await running.end());
  });

  it('goes on with calls while PostgreSQL is frozen, and reconciles to 0 when it thaws', async () => {
    await startLedger({ maxSpooledCalls: 1_000_000 });
    const running = load();
    await running.further(100);
    server.freeze();
    // Each caller has begun calls that the server cannot have written.
    await running.further(100);
    await until(() => !ledger.state.databaseAnswers);
    await running.further(100);
    server.thaw();
    await until(() => ledger.state.databaseAnswers);
    await running.further(100);
    await expectReconciled(await running.end());
  });

  it('refuses further calls when the spool is full, goes on booking hits, and recovers', async () => {
    await startLedger({ maxSpooledCalls: 20 });
    server.freeze();
    const intents = await Promise.all(Array.from({ length: 20 }, () => ledger.begin(sampleCall())));
    await expect(ledger.begin(sampleCall())).rejects.toBeInstanceOf(LedgerUnavailable);
    for (const intent of intents) intent.settle(sampleOutcome());
    for (let hit = 0; hit < 100; hit += 1) ledger.reused(sampleHit());
    server.thaw();
    await expectReconciled({ calls: 20, settled: 20, hits: 100 });
    (await ledger.begin(sampleCall())).settle(sampleOutcome());
    await expectReconciled({ calls: 21, settled: 21, hits: 100 });
  });

  it('erases the line of a call that was not made, and no line of one that was', async () => {
    await startLedger();
    const intents = await Promise.all(Array.from({ length: 3 }, () => ledger.begin(sampleCall())));
    const [withdrawn, settled] = intents;
    settled?.settle(sampleOutcome());
    await ledger.flush();
    withdrawn?.withdraw();
    await ledger.flush();
    const store = new PostgresLedgerStore(database);
    await store.eraseCalls([settled?.id ?? '']);
    const lines = await db.selectFrom('ledger_calls').select(['id', 'status']).orderBy('id').execute();
    const expected = [
      { id: intents[1]?.id, status: 'completed' },
      { id: intents[2]?.id, status: 'intent' },
    ];
    expect(lines).toEqual(expected.toSorted((one, other) => (String(one.id) < String(other.id) ? -1 : 1)));
  });

  it('writes a hostile value without harm to its neighbours', async () => {
    await startLedger();
    const model = `\0\uD800'; drop table ledger_calls; --${'\u{1F600}'.repeat(300)}`;
    (await ledger.begin(sampleCall({ model, userId: '\u0000', campanaId: '__proto__' }))).settle(
      sampleOutcome({ model }),
    );
    (await ledger.begin(sampleCall())).settle(sampleOutcome());
    ledger.reused(sampleHit({ model, requestId: '\uDFFF' }));
    await ledger.flush();
    const { groups } = await readSavings(db, ALL_TIME, 'campaign');
    expect(groups.map(({ key, calls }) => [key, calls?.count])).toEqual([
      [null, 1],
      ['__proto__', 1],
    ]);
  });
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
