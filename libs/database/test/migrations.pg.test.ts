import { createDatabase, type TestDatabase, until } from '@promptsales/test-kit';
import { sql, type Kysely } from 'kysely';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate, type Migration } from '../src/index.js';

const creates = (table: string): Migration => ({
  up: async (db: Kysely<unknown>) => {
    await sql`create table ${sql.table(table)} (id int)`.execute(db);
  },
});

describe('migrate', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase();
  });

  afterEach(() => database.drop());

  async function rows<R extends object>(query: string): Promise<R[]> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const result = await client.query<R>(query);
    await client.end();
    return result.rows;
  }

  const first = { library: 'identity', migrations: { '0001_keys': creates('keys'), '0002_more': creates('more') } };
  const second = { library: 'audit', migrations: { '0001_log': creates('log') } };

  it('applies every library once, a later library before an older one included', async () => {
    const applied = await migrate({ url: database.url, sets: [first] });
    expect(applied).toEqual({ applied: ['identity/0001_keys', 'identity/0002_more'], newer: [] });
    expect(await migrate({ url: database.url, sets: [first, second] })).toEqual({
      applied: ['audit/0001_log'],
      newer: [],
    });
    expect(await migrate({ url: database.url, sets: [second, first] })).toEqual({ applied: [], newer: [] });
  });

  it('keeps nothing of a failed migration, and says which step it was', async () => {
    const bad = {
      library: 'bad',
      migrations: {
        '0001_good': creates('good'),
        '0002_wrong': { up: (db: Kysely<unknown>) => sql`select nonsense`.execute(db).then(() => undefined) },
      },
    };
    await expect(migrate({ url: database.url, sets: [bad] })).rejects.toMatchObject({
      code: 'migration_failed',
      migration: 'bad/0002_wrong',
      message: expect.stringContaining('column "nonsense" does not exist'),
    });
    expect(await rows("select to_regclass('good') as found")).toEqual([{ found: null }]);
    const mended = { library: 'bad', migrations: { '0001_good': creates('good'), '0002_wrong': creates('right') } };
    expect((await migrate({ url: database.url, sets: [mended] })).applied).toHaveLength(2);
  });

  it('works on a newer database whose additional steps are compatible', async () => {
    await migrate({ url: database.url, sets: [first, second] });
    const older = { library: 'identity', migrations: { '0001_keys': creates('keys') } };
    expect(await migrate({ url: database.url, sets: [older] })).toEqual({
      applied: [],
      newer: ['audit/0001_log', 'identity/0002_more'],
    });
  });

  it('refuses a newer database that has a breaking step, and changes nothing', async () => {
    const breaking = {
      library: 'identity',
      migrations: { '0001_keys': creates('keys'), '0002_rename': { ...creates('renamed'), breaking: true } },
    };
    await migrate({ url: database.url, sets: [breaking] });
    const older = {
      library: 'identity',
      migrations: { '0001_keys': creates('keys'), '0003_unrelated': creates('unrelated') },
    };
    await expect(migrate({ url: database.url, sets: [older] })).rejects.toMatchObject({
      code: 'database_newer',
      migration: 'identity/0002_rename!',
      message: expect.stringContaining('newer version of PromptSales Cache'),
    });
    expect(await rows("select to_regclass('unrelated') as found")).toEqual([{ found: null }]);
  });

  it('refuses a step that changed its mark after it ran', async () => {
    await migrate({ url: database.url, sets: [second] });
    const marked = { library: 'audit', migrations: { '0001_log': { ...creates('log'), breaking: true } } };
    await expect(migrate({ url: database.url, sets: [marked] })).rejects.toMatchObject({ code: 'migration_invalid' });
  });

  it('gives up on a lock that somebody else keeps, and names the cause', async () => {
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const up = (): Promise<void> => {
      begun.resolve();
      return held.promise;
    };
    const holder = migrate({ url: database.url, sets: [{ library: 'slow', migrations: { '0001_slow': { up } } }] });
    await begun.promise;
    await expect(migrate({ url: database.url, sets: [second], lockTimeoutMs: 200 })).rejects.toMatchObject({
      code: 'migration_locked',
    });
    held.resolve();
    expect((await holder).applied).toEqual(['slow/0001_slow']);
  });

  function start(milliseconds: number): { output: () => string; ended: Promise<number | null>; kill: () => void } {
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'migrate-process.mjs'),
      database.url,
      String(milliseconds),
    ]);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return {
      output: () => output,
      ended: once(child, 'close').then(([code]: (number | null)[]) => code ?? null),
      kill: () => child.kill('SIGKILL'),
    };
  }

  it('lets processes that start together take turns: each step runs once', async () => {
    const processes = [start(300), start(300), start(300)];
    const codes = await Promise.all(processes.map((one) => one.ended));
    const output = processes
      .map((one) => one.output().trim().split('\n').at(-1) ?? '')
      .toSorted((left, right) => left.localeCompare(right));
    expect({ codes, output }).toEqual({ codes: [0, 0, 0], output: ['applied 0', 'applied 0', 'applied 1'] });
    expect(await rows('select count(*)::int as count from made_once')).toEqual([{ count: 1 }]);
  });

  it('is taken over from a process that was killed in the middle', async () => {
    const victim = start(15_000);
    await until(() => victim.output().includes('begun'));
    victim.kill();
    await victim.ended;
    // The server notices the dead client when the statement ends, or when it is told to. Other tests have databases there too.
    await rows(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    const heir = start(0);
    expect(await heir.ended).toBe(0);
    expect(heir.output()).toContain('applied 1');
    expect(await rows('select count(*)::int as count from made_once')).toEqual([{ count: 1 }]);
  });
});
