import { createDatabase, freePort, startPostgres, type TestPostgres, until } from '@promptsales/test-kit';
import { sql } from 'kysely';
import { createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { Database, DatabaseUnavailableError, type DatabaseOptions, type StateChange } from '../src/index.js';

/** A server on a busy machine is not taken for dead. */
const TIMES = {
  suspectAfterMs: 200,
  probeTimeoutMs: 3000,
  probeEveryMs: 100,
  queryTimeoutMs: 60_000,
  acquireTimeoutMs: 10_000,
};
/** For what is asked of a server that is there, however long that one is kept from its work. */
const PATIENT = { probeTimeoutMs: 60_000 };

describe('a database whose server fails', () => {
  let server: TestPostgres;
  let database: Database;
  let lines: string[];
  let changes: StateChange[];

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(() => server.stop());

  beforeEach(async () => {
    lines = [];
    changes = [];
    database = await open({});
    database.onStateChange((change) => changes.push(change));
  });

  afterEach(() => database.close());

  function open(more: Partial<DatabaseOptions>): Promise<Database> {
    const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
    return Database.start({ url: server.url, migrations: [], log, ...TIMES, ...more });
  }

  const ask = (): Promise<unknown> => sql`select 1`.execute(database.as());
  const sleep = (ms: number): Promise<unknown> => sql`select pg_sleep(${ms / 1000})`.execute(database.as());

  it('fails every waiting caller soon after a freeze, then fails at once, then comes back by itself', async () => {
    await Promise.all([ask(), ask(), ask()]);
    server.freeze();
    const began = performance.now();
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, ask));
    const waited = performance.now() - began;
    expect(
      outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason instanceof DatabaseUnavailableError),
    ).toBe(true);
    expect(waited).toBeLessThan(TIMES.queryTimeoutMs / 2);
    expect(database.state).toBe('disconnected');

    // Nothing was sent, so nothing was waited for.
    await expect(ask()).rejects.toMatchObject({
      code: 'database_unavailable',
      reason: 'disconnected',
      retryAfterSeconds: 1,
    });

    server.thaw();
    await until(() => database.state === 'connected');
    await expect(Promise.all(Array.from({ length: 30 }, ask))).resolves.toHaveLength(30);
    expect(changes.map((change) => change.state)).toEqual(['disconnected', 'connected']);
    expect(lines.at(-1)).toMatch(/is back after \d+\.\d s/);
  });

  it('survives a kill -9 with connections idle and busy, and uses the restarted server', async () => {
    await Promise.all(Array.from({ length: 5 }, ask));
    const busy = Promise.allSettled([sleep(60_000), sleep(60_000)]);
    await until(async () => (await active('pg_sleep')) === 2);
    await server.kill();
    for (const outcome of await busy) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'database_unavailable' } });
    }
    await until(() => database.state === 'disconnected');
    await server.restart();
    await until(() => database.state === 'connected');
    await expect(ask()).resolves.toBeDefined();
  });

  it('survives an orderly restart under use without an error of another kind', async () => {
    const errors: unknown[] = [];
    const use = { over: false };
    const users = Array.from({ length: 4 }, async () => {
      while (!use.over) {
        await ask().catch((error: unknown) => errors.push(error));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    await server.restart();
    await until(() =>
      ask().then(
        () => true,
        (error: unknown) => {
          errors.push(error);
          return false;
        },
      ),
    );
    use.over = true;
    await Promise.all(users);
    expect(errors.filter((error) => !(error instanceof DatabaseUnavailableError))).toEqual([]);
  });

  it('does not take a slow statement for a dead server', async () => {
    const patient = await open(PATIENT);
    patient.onStateChange((change) => changes.push(change));
    const slow = sql`select pg_sleep(0.9)`.execute(patient.as());
    await Promise.all([slow, ...Array.from({ length: 20 }, () => sql`select 1`.execute(patient.as()))]);
    expect(changes).toEqual([]);
    await patient.close();
  });

  it('ends a statement at its deadline and never gives its connection to the next caller', async () => {
    const single = await open({ ...PATIENT, maxConnections: 1 });
    // The connection is there: the deadline is the statement's.
    await sql`select 1`.execute(single.as());
    await expect(single.withDeadline(1000, () => sql`select pg_sleep(9)`.execute(single.as()))).rejects.toMatchObject({
      reason: 'deadline',
      nothingSent: false,
    });
    for (let value = 0; value < 5; value += 1) {
      const { rows } = await sql<{ value: number }>`select ${value}::int as value`.execute(single.as());
      expect(rows).toEqual([{ value }]);
    }
    expect(single.state).toBe('connected');
    await single.close();
  });

  it('counts the wait for a connection towards the deadline, and says that the pool was busy', async () => {
    const single = await open({ ...PATIENT, maxConnections: 1 });
    const holder = sql`select pg_sleep(60)`.execute(single.as()).catch((error: unknown) => error);
    await until(async () => (await sleepers(single)) > 0);
    await expect(single.withDeadline(150, () => sql`select 1`.execute(single.as()))).rejects.toMatchObject({
      reason: 'pool_exhausted',
      nothingSent: true,
    });
    await expect(sql`select 2 as lane`.execute(single.control())).resolves.toMatchObject({ rows: [{ lane: 2 }] });
    await sql`
      select pg_cancel_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event = 'PgSleep'`.execute(single.control());
    expect(await holder).toMatchObject({ code: 'database_unavailable' });
    await single.close();
  });

  it('rolls a transaction back whose deadline passed', async () => {
    await sql`create table if not exists entries (id int)`.execute(database.as());
    const write = database.withDeadline(1500, () =>
      database
        .as<{ entries: { id: number } }>()
        .transaction()
        .execute(async (transaction) => {
          await transaction.insertInto('entries').values({ id: 1 }).execute();
          await sql`select pg_sleep(4)`.execute(transaction);
        }),
    );
    await expect(write).rejects.toMatchObject({ code: 'database_unavailable' });
    // The server goes on until the statement ends, and would commit then.
    await until(async () => (await sleepers(database)) === 0);
    expect((await sql`select * from entries`.execute(database.as())).rows).toEqual([]);
  });

  it('passes the errors of statements on as they are', async () => {
    await expect(sql`select nonsense`.execute(database.as())).rejects.toMatchObject({ code: '42703' });
    await expect(ask()).resolves.toBeDefined();
    expect(changes).toEqual([]);
  });

  it('closes within its bound although the server is frozen', async () => {
    const other = await open({});
    await sql`select 1`.execute(other.as());
    server.freeze();
    const began = performance.now();
    await other.close();
    server.thaw();
    expect(performance.now() - began).toBeLessThan(TIMES.queryTimeoutMs / 2);
  });

  it('trap 30: neither errors nor log lines hold the password', async () => {
    const url = new URL(server.url);
    url.password = 'hunter2wrong';
    const said: string[] = [];
    const log = { info: (line: string) => void said.push(line), warn: (line: string) => void said.push(line) };
    const refusal = await Database.start({ url: url.href, migrations: [], log }).catch((error: unknown) => error);
    const absent = new URL(url);
    absent.port = String(await freePort());
    const gone = await Database.start({ url: absent.href, migrations: [], log, startLimitMs: 0 }).catch(
      (error: unknown) => error,
    );
    expect([refusal, gone]).toEqual([
      expect.objectContaining({ code: 'database_start_failed' }),
      expect.objectContaining({ code: 'database_start_failed' }),
    ]);
    const shown = inspect([refusal, gone, said], { depth: 12, showHidden: true });
    expect(shown).not.toContain('hunter2wrong');
    await sql`create role keeper login password 'hunter2right'`.execute(database.as());
    url.username = 'keeper';
    url.password = 'hunter2right';
    const own = await open({ url: url.href });
    // It is the connection that falls silent.
    await sql`select 1`.execute(own.as());
    server.freeze();
    const frozen = await sql`select 1`.execute(own.as()).catch((error: unknown) => error);
    server.thaw();
    await until(() => own.state === 'connected');
    await own.close();
    expect(frozen).toBeInstanceOf(DatabaseUnavailableError);
    expect(lines.length).toBeGreaterThan(1);
    expect(inspect([frozen, lines], { depth: 12, showHidden: true })).not.toContain('hunter2right');
  });

  async function active(text: string): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from pg_stat_activity where state = 'active' and query like ${`select ${text}%`}
    `.execute(database.control());
    return rows[0]?.count ?? 0;
  }
});

describe('a database whose server was never there', () => {
  it('says so once a second for 30 s of the clock and then gives up', async () => {
    const lines: string[] = [];
    let now = 0;
    const clock = {
      now: () => now,
      sleep: (ms: number) => {
        now += ms;
        return Promise.resolve();
      },
    };
    const port = await freePort();
    const start = Database.start({
      url: `postgres://app@127.0.0.1:${port}/app`,
      migrations: [],
      clock,
      log: { info: (line) => void lines.push(line), warn: (line) => void lines.push(line) },
    });
    await expect(start).rejects.toMatchObject({
      code: 'database_start_failed',
      message: expect.stringContaining(`PostgreSQL at 127.0.0.1:${port}/app did not answer within 30 s`),
    });
    expect(lines).toHaveLength(30);
    expect(lines[0]).toBe(
      `PostgreSQL at 127.0.0.1:${port}/app does not answer (connect ECONNREFUSED 127.0.0.1:${port}); trying again for 30 s`,
    );
  });

  it('starts as soon as the server is there', async () => {
    const target = await createDatabase();
    let attempts = 0;
    const real = new URL(target.url);
    const sockets = new Set<Socket>();
    // Refuses the first two by closing them, as a server does that is still starting.
    const gate = createServer((socket) => {
      attempts += 1;
      sockets.add(socket);
      if (attempts < 3) socket.destroy();
      else pass(socket, real);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => gate.once('listening', resolve));
    const address = gate.address();
    const url = new URL(target.url);
    url.hostname = '127.0.0.1';
    url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
    const lines: string[] = [];
    const clock = { now: () => 0, sleep: () => Promise.resolve() };
    const database = await Database.start({
      url: url.href,
      migrations: [],
      clock,
      ...PATIENT,
      log: { info: () => undefined, warn: (line) => void lines.push(line) },
    });
    expect(lines).toHaveLength(2);
    expect(await database.ping()).toBeGreaterThan(0);
    await database.close();
    for (const socket of sockets) socket.destroy();
    gate.close();
    await target.drop();
  });
});

function pass(socket: Socket, to: URL): void {
  const upstream = new (socket.constructor as new () => Socket)().connect(Number(to.port), to.hostname);
  socket.pipe(upstream).pipe(socket);
  const end = (): void => {
    socket.destroy();
    upstream.destroy();
  };
  socket.on('error', end).on('close', end);
  upstream.on('error', end).on('close', end);
}

/** Statements of this database that sleep. */
async function sleepers(database: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and state = 'active' and wait_event = 'PgSleep'`.execute(database.control());
  return rows[0]?.count ?? 0;
}
