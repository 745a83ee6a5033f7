import { Database } from '@promptsales/database';
import { createDatabase, startPostgres, type TestDatabase } from '@promptsales/test-kit';
import { FleetLock } from '../src/jobs/fleet-lock.js';

const start = (url: string): Promise<Database> =>
  Database.start({ url, migrations: [], log: { info: () => undefined, warn: () => undefined } });

describe('FleetLock', () => {
  let database: TestDatabase;
  let first: Database;
  let second: Database;

  beforeAll(async () => {
    database = await createDatabase();
    [first, second] = await Promise.all([start(database.url), start(database.url)]);
  });

  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
    await database.drop();
  });

  it('lets one process of the fleet in at a time, by name', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const { promise: inside, resolve: entered } = Promise.withResolvers<void>();
    const holding = new FleetLock(first).tryWith('job', async () => {
      entered();
      await held;
      return 'mine';
    });
    await inside;
    expect(await new FleetLock(second).tryWith('job', async () => 'stolen')).toEqual({ ran: false });
    expect(await new FleetLock(second).tryWith('other', async () => 'free')).toEqual({ ran: true, result: 'free' });
    release();
    expect(await holding).toEqual({ ran: true, result: 'mine' });
    expect(await new FleetLock(second).tryWith('job', async () => 'next')).toEqual({ ran: true, result: 'next' });
  });

  it('gives the lock back when the work fails', async () => {
    await expect(new FleetLock(first).tryWith('failing', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await new FleetLock(second).tryWith('failing', async () => 1)).toEqual({ ran: true, result: 1 });
  });

  it('is free again when the holder’s connection is gone', async () => {
    const postgres = await startPostgres();
    const holder = await start(postgres.url);
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const { promise: inside, resolve: entered } = Promise.withResolvers<void>();
    const holding = new FleetLock(holder).tryWith('job', async () => {
      entered();
      await held;
    });
    const failure = holding.then(
      () => undefined,
      (error: unknown) => error,
    );
    await inside;
    await postgres.kill();
    await postgres.restart();
    const other = await start(postgres.url);
    expect(await new FleetLock(other).tryWith('job', async () => 'taken over')).toEqual({
      ran: true,
      result: 'taken over',
    });
    release();
    expect(await failure).toBeInstanceOf(Error);
    await Promise.all([holder.close(), other.close()]);
  });
});
