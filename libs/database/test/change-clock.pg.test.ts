import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { Client } from 'pg';
import { migrate } from '../src/index.js';
import { NOTES } from './notes.js';

describe('a clock of changes', () => {
  let database: TestDatabase;
  let one: Client;
  let two: Client;
  let watching: Client;

  beforeEach(async () => {
    database = await createDatabase();
    await migrate({ url: database.url, sets: [NOTES] });
    const client = (): Client => new Client({ connectionString: database.url });
    [one, two, watching] = [client(), client(), client()];
    await Promise.all([one, two, watching].map((each) => each.connect()));
  });

  afterEach(async () => {
    await Promise.all([one, two, watching].map((each) => each.end()));
    await database.drop();
  });

  const clock = async (): Promise<{ revision: string; epoch: string }> =>
    (await one.query<{ revision: string; epoch: string }>('select revision, epoch from note_clock')).rows[0]!;
  const after = async (revision: number): Promise<number[]> =>
    (
      await one.query<{ id: number }>('select id from notes where revision > $1 order by revision', [revision])
    ).rows.map(({ id }) => id);

  it('stamps what is inserted and updated, each change once, whoever makes it', async () => {
    await one.query("insert into notes values (1, 'a'), (2, 'b')");
    await two.query("update notes set text = 'c', revision = 0 where id = 1");
    expect(await clock()).toEqual({ revision: '3', epoch: '0' });
    expect(await after(0)).toEqual([2, 1]);
    expect(await after(2)).toEqual([1]);
    await one.query("update notes set text = 'd' where id = 7");
    expect(await clock()).toEqual({ revision: '3', epoch: '0' });
  });

  it('counts nothing of what is rolled back', async () => {
    await one.query('begin');
    await one.query("insert into notes values (1, 'a')");
    await one.query('rollback');
    expect(await clock()).toEqual({ revision: '0', epoch: '0' });
  });

  it('never shows a later revision while an earlier one may still be committed', async () => {
    await one.query('begin');
    await one.query("insert into notes values (1, 'slow')");
    let committed = false;
    const second = two.query("insert into notes values (2, 'quick')").then(() => (committed = true));
    const waits = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    // Inside a transaction the server shows its activity as it was at the first look.
    while ((await watching.query(waits)).rows.length === 0);
    expect(committed).toBe(false);
    await one.query('commit');
    await second;
    expect(await after(0)).toEqual([1, 2]);
  });

  it('begins another epoch when rows go', async () => {
    await one.query("insert into notes values (1, 'a'), (2, 'b')");
    await one.query('delete from notes where id = 1');
    expect(await clock()).toEqual({ revision: '2', epoch: '1' });
    await two.query('truncate notes');
    expect(await clock()).toEqual({ revision: '2', epoch: '2' });
  });
});
