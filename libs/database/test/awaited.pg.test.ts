import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { sql } from 'kysely';
import { Database } from '../src/index.js';

interface Tables {
  runs: { backend: number; plans: number | null };
}

/** Writes down which connection it runs on, and how often a plan was made or used for it under its name. */
const NOTE = {
  name: 'note',
  text: `
    insert into runs
    select pg_backend_pid(), (select generic_plans + custom_plans from pg_prepared_statements where name = $1)`,
};

describe('statements that requests wait for', () => {
  let server: TestDatabase;
  let database: Database;

  beforeEach(async () => {
    server = await createDatabase();
    const quiet = { info: () => undefined, warn: () => undefined };
    // However busy the machine is, nothing is held for silent, and no second connection opened for that.
    const patient = { acquireTimeoutMs: 60_000, queryTimeoutMs: 60_000, probeTimeoutMs: 60_000 };
    database = await Database.start({ url: server.url, migrations: [], log: quiet, ...patient });
    await sql`create table runs (backend integer, plans integer)`.execute(database.as<Tables>());
  });

  afterEach(async () => {
    await database.close();
    await server.drop();
  });

  const runs = () => database.as<Tables>().selectFrom('runs').selectAll().execute();

  it('are prepared once, on one connection', async () => {
    for (let time = 0; time < 3; time += 1) await database.awaited.run(NOTE, ['note']);
    const [first, ...others] = await runs();
    expect(first?.plans).toBe(1);
    expect(others).toEqual([2, 3].map((plans) => ({ backend: first?.backend, plans })));
  });

  it('are sent as text where something between us and the server forgets what was prepared', async () => {
    await database.awaited.run(NOTE, ['note']);
    await database.awaited.run({ name: 'forget', text: 'deallocate all' }, []);
    await database.awaited.run(NOTE, ['note']);
    await database.awaited.run(NOTE, ['note']);
    expect((await runs()).map(({ plans }) => plans)).toEqual([1, null, null]);
  });

  it('fail as the server says, and leave the connection usable', async () => {
    await expect(
      database.awaited.run({ name: 'wrong', text: 'insert into nowhere values (1)' }, []),
    ).rejects.toMatchObject({
      code: '42P01',
    });
    await database.awaited.run(NOTE, ['note']);
    expect(await runs()).toHaveLength(1);
  });
});
