import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Cache, CacheAside, keyspace, RedisRoles } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { createDatabase, startRedis, type TestDatabase, type TestRedis, until } from '@promptsales/test-kit';
import { sql, type Transaction } from 'kysely';
import { InvalidationOutbox, OUTBOX_MIGRATIONS, OutboxRelay } from '../src/index.js';

type Tables = Record<string, never>;

/** One process of the platform, as far as records are concerned. */
interface Process {
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly database: Database;
  readonly outbox: InvalidationOutbox;
  readonly events: string[];
}

describe('the outbox', () => {
  let redis: TestRedis;
  let server: TestDatabase;
  let a: Process;
  let b: Process;
  let relay: OutboxRelay | undefined;

  const start = async (commandTimeoutMs = 10_000): Promise<Process> => {
    const database = await Database.start({
      url: server.url,
      migrations: [OUTBOX_MIGRATIONS],
      log: { info: () => undefined, warn: () => undefined },
    });
    const roles = new RedisRoles({ url: redis.url, layout: 'single', times: { commandTimeoutMs } }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    const cache = new Cache(roles);
    const events: string[] = [];
    const outbox = new InvalidationOutbox(cache, database, {
      carriedOut: (by, count) => events.push(`${by} ${count}`),
      waiting: (count) => events.push(`waiting ${count}`),
      trouble: (error) => events.push(String(error)),
    });
    return { roles, cache, aside: new CacheAside(cache, roles), database, outbox, events };
  };
  const stop = async ({ cache, roles, database }: Process): Promise<void> => {
    cache.close();
    await roles.close();
    await database.close();
  };
  const relayOf = ({ outbox, database, events }: Process): OutboxRelay =>
    new OutboxRelay(
      outbox,
      database,
      { everyMs: 50, olderThanMs: 100 },
      {
        carriedOut: (by, count) => events.push(`${by} ${count}`),
        trouble: (error) => events.push(String(error)),
      },
    ).start();

  const ref = (key: string) => keyspace.appValue.at({ key });
  const inDatabase = async ({ database }: Process, key: string): Promise<string> => {
    const { rows } = await sql<{ value: string }>`select value from records where key = ${key}`.execute(
      database.as<Tables>(),
    );
    return String(rows[0]?.value);
  };
  /** As a reader of records does: from the cache, else from the database. */
  const read = async (process: Process, key: string): Promise<unknown> =>
    (await process.aside.getOrLoad(ref(key), () => inDatabase(process, key))).value;
  const cached = async (key: string): Promise<void> => {
    const { stored } = await a.aside.getOrLoad(ref(key), () => inDatabase(a, key));
    await stored;
  };
  const change = (transaction: Transaction<Tables>, key: string, value: string) =>
    sql`update records set value = ${value} where key = ${key}`.execute(transaction);
  const rowsLeft = async (): Promise<number> => {
    const { rows } = await sql<{ count: string }>`select count(*) from cache_outbox`.execute(a.database.as<Tables>());
    return Number(rows[0]?.count);
  };

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
  });

  afterAll(() => redis.kill());

  beforeEach(async () => {
    server = await createDatabase();
    [a, b] = [await start(), await start()];
    const db = a.database.as<Tables>();
    await sql`create table records (key text primary key, value text not null)`.execute(db);
    await sql`insert into records select 'k' || n, 'old' from generate_series(1, 300) as n`.execute(db);
    await a.roles.link('cache').readAt('x', (client) => client.flushdb());
  });

  afterEach(async () => {
    await relay?.stop();
    relay = undefined;
    await Promise.all([stop(a), stop(b)]);
    await server.drop();
  });

  test('what was committed is read by everybody as soon as it is acknowledged, and leaves no row behind', async () => {
    for (const key of ['k1', 'k2']) await cached(key);
    await b.outbox.committing<Tables, void>(async (transaction, outdate) => {
      await change(transaction, 'k1', 'new');
      await outdate({ keys: [ref('k1')] });
    });
    expect([await read(a, 'k1'), await read(b, 'k1'), await read(a, 'k2')]).toEqual(['new', 'new', 'old']);
    expect(await rowsLeft()).toBe(0);
    expect(b.events).toEqual(['writer 1']);
  });

  test('tags, namespaces and families can be outdated as well', async () => {
    for (const outdated of [
      { tags: [{ name: 't', tenant: 'default' }] },
      { namespaces: [{ name: 'n', tenant: 'default' }] },
      { families: [{ family: keyspace.appValue, tenant: 'default' }] },
    ]) {
      const labels = { tags: ['t'], namespace: 'n' };
      await (
        await a.aside.getOrLoad(ref('k1'), async () => 'old', { labels })
      ).stored;
      await b.outbox.committing<Tables, void>((_, outdate) => outdate(outdated));
      expect((await a.aside.getOrLoad(ref('k1'), async () => 'new', { labels })).value).toBe('new');
      await a.cache.invalidate({ ref: ref('k1') });
    }
    expect(await rowsLeft()).toBe(0);
    const families = [{ family: keyspace.session, tenant: 'default' }];
    await expect(a.outbox.committing<Tables, void>((_, outdate) => outdate({ families }))).rejects.toThrow(
      /one by one/,
    );
  });

  test('a change that is rolled back notes nothing', async () => {
    const failing = a.outbox.committing<Tables, void>(async (transaction, outdate) => {
      await change(transaction, 'k1', 'new');
      await outdate({ keys: [ref('k1')] });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await rowsLeft()).toBe(0);
    expect(await read(a, 'k1')).toBe('old');
  });

  test('a writer that was killed between its commit and the invalidation leaves it to others', async () => {
    await cached('k1');
    const writer = spawn(
      process.execPath,
      [
        '--experimental-transform-types',
        '--no-warnings',
        join(__dirname, 'committing-process.mjs'),
        server.url,
        'k1',
        'new',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(writer.stdout, 'data');
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    expect(await rowsLeft()).toBe(1);
    expect(await read(a, 'k1')).toBe('old');
    relay = relayOf(b);
    await until(async () => (await rowsLeft()) === 0);
    expect(await read(a, 'k1')).toBe('new');
    expect(b.events).toEqual(['relay 1']);
  });

  test('trap 8: while Redis is away it stays written down, and is carried out when it is back', async () => {
    await Promise.all([stop(a), stop(b)]);
    [a, b] = [await start(2000), await start(2000)];
    await cached('k1');
    redis.freeze();
    relay = relayOf(b);
    await a.outbox.committing<Tables, void>(async (transaction, outdate) => {
      await change(transaction, 'k1', 'new');
      await outdate({ keys: [ref('k1')] });
    });
    expect(a.events).toContain('waiting 1');
    expect(await read(a, 'k1')).toBe('new');
    await until(async () => !b.roles.up);
    expect(await rowsLeft()).toBe(1);
    redis.thaw();
    await until(async () => (await rowsLeft()) === 0);
    expect([await read(a, 'k1'), await read(b, 'k1')]).toEqual(['new', 'new']);
  });

  test('a thousand changes of one record are carried out together, and many records by several relays', async () => {
    await a.database
      .as<Tables>()
      .transaction()
      .execute(async (transaction) => {
        for (let n = 0; n < 10; n += 1) {
          const keys = Array.from({ length: 300 }, (_, at) => ref(`k${at + 1}`));
          await a.outbox.add(transaction, { keys: [...keys, ...keys] });
        }
      });
    expect(await rowsLeft()).toBe(6000);
    relay = relayOf(a);
    const second = relayOf(b);
    await until(async () => (await rowsLeft()) === 0);
    await second.stop();
    const counts = [...a.events, ...b.events].map((event) => Number(/^relay (\d+)$/.exec(event)?.[1]));
    expect(counts.reduce((sum, count) => sum + count)).toBe(300);
  });

  test('a row that was committed after its subject was invalidated is not taken away with it', async () => {
    await a.database
      .as<Tables>()
      .transaction()
      .execute((transaction) => a.outbox.add(transaction, { keys: [ref('k1')] }));
    const carryOut = b.outbox.carryOut.bind(b.outbox);
    let later: Promise<unknown> | undefined;
    jest.spyOn(b.outbox, 'carryOut').mockImplementation(async (subjects) => {
      const done = await carryOut(subjects);
      later ??= a.database
        .as<Tables>()
        .transaction()
        .execute((transaction) => a.outbox.add(transaction, { keys: [ref('k1')] }));
      await later;
      return done;
    });
    relay = relayOf(b);
    // It says so before its transaction is committed.
    await until(async () => b.events.length === 2 && (await rowsLeft()) === 0);
    expect(b.events).toEqual(['relay 1', 'relay 1']);
  });
});
