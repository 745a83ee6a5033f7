import { Database } from '@promptsales/database';
import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { sql } from 'kysely';
import { JOBS_MIGRATIONS } from '../src/jobs-migrations.js';
import { JobStore } from '../src/store/job-store.js';
import { Retention } from '../src/store/retention.js';

const DAY_MS = 86_400_000;

describe('what has ended', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let made = 0;

  beforeAll(async () => {
    testDatabase = await createDatabase();
    const log = { info: () => undefined, warn: () => undefined };
    database = await Database.start({ url: testDatabase.url, migrations: [JOBS_MIGRATIONS], log });
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });
  beforeEach(async () => {
    await sql`truncate generation_jobs, generation_job_events, generation_dead_entries`.execute(db());
  });

  const db = () => database.as<Record<string, never>>();
  const idAt = (n: number): string => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;

  /** Jobs with their first events, ended so many days ago. */
  async function jobs(count: number, state: string, daysAgo: number): Promise<void> {
    const store = new JobStore(database);
    const rows = Array.from({ length: count }, () => ({
      id: idAt((made += 1)),
      tenant: 'acme',
      priority: 'normal' as const,
      request: { campanaId: 'c', segmento: 'x' },
    }));
    await store.admit(rows);
    await sql`
      update generation_jobs set state = ${state}, finished_at = case
        when ${state} in ('completed', 'dead') then clock_timestamp() - ${daysAgo} * interval '1 day' end
      where id in (${sql.join(rows.map(({ id }) => id))})`.execute(db());
  }

  const left = async (): Promise<Record<string, number>> => {
    const { rows } = await sql<{ state: string; count: string }>`
      select state, count(*) from generation_jobs group by state
      union all select 'events', count(*) from generation_job_events
      union all select 'entries', count(*) from generation_dead_entries`.execute(db());
    return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
  };

  it('goes when it has been kept for long enough, with its events, and nothing that has not ended', async () => {
    await jobs(3, 'completed', 31);
    await jobs(2, 'completed', 29);
    await jobs(4, 'dead', 91);
    await jobs(1, 'dead', 31);
    await jobs(5, 'queued', 0);
    await sql`
      insert into generation_dead_entries (id, tenant, priority, entry, entry_bytes, reason, at)
      values (${idAt(900)}, 'acme', 'low', 'x', 1, 'none', clock_timestamp() - interval '91 days'),
             (${idAt(901)}, 'acme', 'low', 'x', 1, 'none', clock_timestamp())`.execute(db());
    const retention = new Retention(database, { completedMs: 30 * DAY_MS, deadMs: 90 * DAY_MS });
    expect(await retention.sweep()).toEqual({ jobs: 7, entries: 1 });
    expect(await left()).toEqual({ completed: 2, dead: 1, queued: 5, events: 8, entries: 1 });
    expect(await retention.sweep()).toEqual({ jobs: 0, entries: 0 });
  });

  it('stays where it is to be kept for ever', async () => {
    await jobs(1, 'completed', 4000);
    await jobs(1, 'dead', 4000);
    expect(await new Retention(database, { completedMs: null, deadMs: null }).sweep()).toEqual({ jobs: 0, entries: 0 });
    expect(await new Retention(database, { completedMs: null, deadMs: 1 }).sweep()).toEqual({ jobs: 1, entries: 0 });
    expect(await left()).toEqual({ completed: 1, events: 1, entries: 0 });
  });

  it('goes in small statements, of which several processes may be at work', async () => {
    await jobs(57, 'completed', 2);
    const sweeps = Array.from({ length: 3 }, () =>
      new Retention(database, { completedMs: DAY_MS, deadMs: null }, 10).sweep(),
    );
    const swept = await Promise.all(sweeps);
    expect(swept.reduce((sum, { jobs: deleted }) => sum + deleted, 0)).toBe(57);
    expect(await left()).toEqual({ events: 0, entries: 0 });
  });
});
