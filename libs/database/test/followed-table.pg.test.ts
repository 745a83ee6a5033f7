import { startPostgres, until, type TestPostgres } from '@promptsales/test-kit';
import { sql } from 'kysely';
import { Database, FollowedTable } from '../src/index.js';
import { NOTES } from './notes.js';

interface Note {
  readonly id: number;
  readonly text: string;
  readonly revision: string;
}

class Notes extends FollowedTable<Note> {
  reads = 0;
  texts: readonly string[] = [];
  readonly failures: unknown[] = [];

  constructor(database: Database) {
    super({ database, clock: { name: 'note', table: 'notes' }, failed: (error) => this.failures.push(error) });
  }

  protected take(rows: readonly Note[]): void {
    this.reads += 1;
    this.texts = rows.map(({ text }) => text);
  }
}

describe('a followed table', () => {
  let server: TestPostgres;
  let database: Database;
  let notes: Notes;

  beforeAll(async () => {
    server = await startPostgres();
    const log = { info: () => undefined, warn: () => undefined };
    const patient = { acquireTimeoutMs: 10_000, queryTimeoutMs: 60_000 };
    database = await Database.start({ url: server.url, migrations: [NOTES], log, ...patient });
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });
  beforeEach(async () => {
    await sql`delete from notes`.execute(database.as());
    notes = await new Notes(database).start();
  });
  afterEach(() => notes.stop());

  const write = async (statement: string): Promise<void> => {
    await sql.raw(statement).execute(database.as());
  };

  it('is read whole, in the order of its changes, and not again while nothing changes', async () => {
    expect([notes.texts, notes.reads]).toEqual([[], 1]);
    await write("insert into notes values (1, 'a'), (2, 'b')");
    await write("update notes set text = 'c' where id = 1");
    await notes.refresh();
    expect(notes.texts).toEqual(['b', 'c']);
    const { reads } = notes;
    await notes.refresh();
    expect(notes.reads).toBe(reads);
  });

  it('is known to a process that was not told, when rows come, change and go', async () => {
    const comesToSay = async (text: string | undefined): Promise<readonly string[]> => {
      await until(() => notes.texts[0] === text);
      return notes.texts;
    };
    await write("insert into notes values (1, 'a')");
    expect(await comesToSay('a')).toEqual(['a']);
    await write("update notes set text = 'b'");
    expect(await comesToSay('b')).toEqual(['b']);
    await write('truncate notes');
    expect(await comesToSay(undefined)).toEqual([]);
  });

  it('stays as it was while the database is away', async () => {
    await write("insert into notes values (1, 'a')");
    await notes.refresh();
    await server.kill();
    await notes.refresh();
    expect(notes.failures).not.toEqual([]);
    expect(notes.texts).toEqual(['a']);
  });
});
