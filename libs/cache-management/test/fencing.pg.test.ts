import { Database } from '@promptsales/database';
import { createDatabase, startPostgres, type TestDatabase } from '@promptsales/test-kit';
import { sql } from 'kysely';
import { FencedOutError, FENCING_MIGRATIONS, FencingNumbers } from '../src/index.js';

type Tables = Record<string, never>;

/** One process of the platform, as far as numbers are concerned. */
interface Process {
  readonly database: Database;
  readonly numbers: FencingNumbers;
}

const lock = { tenant: 'default', key: 'lock:report' };

/** For a hundred at once, or one that is kept waiting, on a machine with much else to do. */
const PATIENT_MS = 60_000;

async function start(url: string, withinMs?: number): Promise<Process> {
  const database = await Database.start({
    url,
    migrations: [FENCING_MIGRATIONS],
    applicationName: 'test',
    acquireTimeoutMs: PATIENT_MS,
    queryTimeoutMs: PATIENT_MS,
    log: { info: () => undefined, warn: () => undefined },
  });
  return { database, numbers: new FencingNumbers(database, withinMs) };
}

describe('fencing numbers', () => {
  let server: TestDatabase;
  let a: Process;
  let b: Process;

  beforeEach(async () => {
    server = await createDatabase();
    [a, b] = await Promise.all([start(server.url, PATIENT_MS), start(server.url, PATIENT_MS)]);
  });

  afterEach(async () => {
    await Promise.all([a.database.close(), b.database.close()]);
    await server.drop();
  });

  const check = (number: number): Promise<void> =>
    a.database
      .as<Tables>()
      .transaction()
      .execute((transaction) => a.numbers.assertCurrent(transaction, lock, number));

  test('rise strictly in the order in which they are drawn, in every process', async () => {
    const drawn: { began: number; ended: number; number: number }[] = [];
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const began = performance.now();
        const number = await (n % 2 === 0 ? a : b).numbers.next(lock);
        drawn.push({ began, ended: performance.now(), number });
      }),
    );
    expect(new Set(drawn.map(({ number }) => number)).size).toBe(100);
    const overtaken = drawn.filter((earlier) =>
      drawn.some((later) => earlier.ended < later.began && earlier.number > later.number),
    );
    expect(overtaken).toEqual([]);
    await check(Math.max(...drawn.map(({ number }) => number)));
  });

  test('of a lock whose row is gone do not begin anew', async () => {
    const before = await a.numbers.next(lock);
    await sql`delete from lock_fences`.execute(a.database.as());
    expect(await b.numbers.next(lock)).toBeGreaterThan(before);
  });

  test('trap 26: a holder who was overtaken writes nothing; tenants and locks are apart', async () => {
    const mine = await a.numbers.next(lock);
    await b.numbers.next({ tenant: 'acme', key: lock.key });
    await b.numbers.next({ tenant: 'default', key: 'lock:other' });
    await check(mine);
    const theirs = await b.numbers.next(lock);
    await expect(check(mine)).rejects.toBeInstanceOf(FencedOutError);
    await check(theirs);
  });

  test('a transaction that was let go on ends before the next holder has a number', async () => {
    const mine = await a.numbers.next(lock);
    const order: string[] = [];
    const { next } = await a.database
      .as<Tables>()
      .transaction()
      .execute(async (transaction) => {
        await a.numbers.assertCurrent(transaction, lock, mine);
        const drawing = b.numbers.next(lock).then(() => order.push('next'));
        for (let waiting = 0; waiting === 0;) {
          const { rows } = await sql<{ n: number }>`
            select count(*)::int as n from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`.execute(a.database.control());
          waiting = rows[0]?.n ?? 0;
        }
        order.push('written');
        return { next: drawing };
      });
    await next;
    expect(order).toEqual(['written', 'next']);
  });

  test('cannot be had while PostgreSQL is frozen, and say so in time', async () => {
    const frozen = await startPostgres();
    const { database, numbers } = await start(frozen.url);
    frozen.freeze();
    await expect(numbers.next(lock)).rejects.toMatchObject({ code: 'database_unavailable' });
    frozen.thaw();
    await database.close();
  });
});
