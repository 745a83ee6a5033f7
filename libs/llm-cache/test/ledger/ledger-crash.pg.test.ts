import { Database } from '@promptsales/database';
import { createDatabase, type TestDatabase, until } from '@promptsales/test-kit';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { sql } from 'kysely';
import { ledgerMigrations, LedgerReconciler } from '../../src/index.js';
import { DurableLedger } from '../../src/ledger/durable-ledger.js';
import type { LedgerTables } from '../../src/ledger/ledger-tables.js';
import { PostgresLedgerStore } from '../../src/ledger/postgres-ledger-store.js';
import { readLostAtMost, readSavings } from '../../src/ledger/savings-query.js';
import { publishedPrices } from '../../src/prices/published-prices.js';
import { PATIENT_DATABASE, PATIENT_LEDGER } from './patience.js';
import { sampleCall, SAMPLE_COST, sampleOutcome } from './sample-facts.js';

const ALL_TIME = { from: new Date(0), to: new Date('2100-01-01'), tenant: null, simulated: null };

describe('a process that is killed', () => {
  let own: TestDatabase;
  let database: Database;

  beforeEach(async () => {
    own = await createDatabase();
    const quiet = { info: () => undefined, warn: () => undefined };
    const migrations = [ledgerMigrations];
    database = await Database.start({ url: own.url, migrations, log: quiet, ...PATIENT_DATABASE });
  });

  afterEach(async () => {
    await database.close();
    await own.drop();
  });

  const db = (): ReturnType<typeof database.as<LedgerTables>> => database.as<LedgerTables>();

  /** Runs the sample process for a while, kills it with -9 and answers what was seen of it from outside. */
  async function runAndKill(): Promise<{ processId: string; called: string[]; settled: string[]; hits: number }> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'ledger-process.mjs'), own.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    const closed = once(child, 'close');
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    try {
      await until(() => said.split('settled').length > 60);
      // Some of the hits are written, and others are not.
      await until(async () => {
        const { rows } = await sql`select 1 from ledger_reuse limit 1`.execute(db());
        return rows.length > 0;
      });
    } finally {
      child.kill('SIGKILL');
    }
    await closed;
    // What it had sent is done by the server even now.
    await until(async () => {
      const { rows } = await sql`select 1 from pg_stat_activity where application_name = 'to-be-killed'
        and datname = current_database()`.execute(db());
      return rows.length === 0;
    });
    const lines = said.split('\n').map((line) => line.split(' '));
    const told = (what: string): string[] =>
      lines.flatMap(([verb, of]) => (verb === what && of !== undefined ? [of] : []));
    const [processId = ''] = told('process');
    return { processId, called: told('called'), settled: told('settled'), hits: Number(told('hits').at(-1)) };
  }

  it('leaves a line for every call it made, and what was open becomes unknown, never 0', async () => {
    const { called, settled } = await runAndKill();
    const { rows } = await sql<{ id: string; status: string }>`select id, status from ledger_calls`.execute(db());
    const status = new Map(rows.map((row) => [row.id, row.status]));
    expect(called.filter((id) => !status.has(id))).toEqual([]);
    expect(settled.length).toBeGreaterThan(50);

    const open = rows.filter((row) => row.status === 'intent').length;
    expect(open).toBeGreaterThan(0);
    const before = (await readSavings(db(), ALL_TIME, 'model')).total;
    expect(before.calls).toMatchObject({ unsettled: open, unknown: 0, unpriced: open });

    const reconciler = new LedgerReconciler(db(), { goneAfterMs: 0 });
    expect(await reconciler.reconcileOrphans()).toEqual({ orphans: open });
    expect(await reconciler.reconcileOrphans()).toEqual({ orphans: 0 });
    const after = (await readSavings(db(), ALL_TIME, 'model')).total;
    expect(after.calls).toMatchObject({ count: rows.length, unsettled: 0, unknown: open, unpriced: open });
    expect(after.calls?.nanoUsd).toBe(BigInt(rows.length - open) * SAMPLE_COST);
  });

  it('loses hits of a second at most, and the register bounds how many', async () => {
    const { processId, hits } = await runAndKill();
    const { rows } = await sql<{ written: number; last: number; said: number }>`
      select coalesce(sum(hits), 0)::int as written, coalesce(max(sequence + hits - 1), 0)::int as last,
        (select hits_written::int from ledger_processes where id = ${processId}) as said
      from ledger_reuse where process_id = ${processId}
    `.execute(db());
    const { written = 0, last, said } = rows[0] ?? {};
    expect([last, said]).toEqual([written, written]);
    const lost = hits - written;
    const lostAtMost = await readLostAtMost(db(), ALL_TIME, 0);
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(lostAtMost).toBeGreaterThanOrEqual(lost);
    // 5 hits every 10 ms, half a second between two writes, and what was reserved ahead.
    expect(lostAtMost).toBeLessThan(20_000);
    const total = (await readSavings(db(), ALL_TIME, 'day')).total;
    expect(total.reuse).toMatchObject({ count: written, nanoUsd: BigInt(written) * SAMPLE_COST });
  });

  it('is not taken for dead while it lives, and may settle what was called unknown too early', async () => {
    const ledger = new DurableLedger(new PostgresLedgerStore(database), publishedPrices(), PATIENT_LEDGER);
    await ledger.start();
    const intent = await ledger.begin(sampleCall());
    expect(await new LedgerReconciler(db()).reconcileOrphans()).toEqual({ orphans: 0 });
    // By a clock a minute ahead, whenever the process was last seen.
    expect(await new LedgerReconciler(db(), { goneAfterMs: -60_000 }).reconcileOrphans()).toEqual({ orphans: 1 });
    intent.settle(sampleOutcome());
    await ledger.close();
    const total = (await readSavings(db(), ALL_TIME, 'model')).total;
    expect(total.calls).toMatchObject({ count: 1, unknown: 0, unpriced: 0, nanoUsd: SAMPLE_COST });
    expect(await readLostAtMost(db(), ALL_TIME, 0)).toBe(0);
  });
});
