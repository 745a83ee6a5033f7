/** What an MCP server has told of as changed is nowhere answered as it was before, over two operating-system processes. */
import {
  createDatabase,
  startChangingTools,
  startRedis,
  until,
  type ChangingToolsServer,
  type TestDatabase,
  type TestRedis,
} from '@promptsales/test-kit';
import { setTimeout as pause } from 'node:timers/promises';
import { buildApplications, BuiltProcess, endProcesses } from './built-process.js';
import { serveChangingTools, ToolsWatcher, untilTheyListen } from './tools-watcher.js';

describe('the tools of a server that changes them', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let upstream: ChangingToolsServer;
  let watchers: ToolsWatcher[];
  let stale: string[];
  let reads: number;

  beforeAll(async () => {
    [redis, database, upstream] = await Promise.all([
      startRedis(),
      createDatabase(),
      startChangingTools(),
      buildApplications(),
    ]);
    const stores = { REDIS_URL: redis.url, DATABASE_URL: database.url };
    const addresses: string[] = [];
    for (const process of [0, 1].map(() => new BuiltProcess('api', stores))) addresses.push(await process.ready());
    await serveChangingTools(addresses, upstream);
    watchers = await Promise.all(addresses.map((address) => new ToolsWatcher().connect(`${address}/mcp/changing`)));
    await untilTheyListen(upstream, watchers);
  });

  afterAll(async () => {
    await Promise.all(watchers.map((watcher) => watcher.close()));
    await endProcesses();
    await upstream.stop();
    await redis.stop();
    await database.drop();
  });

  /** Asks through one of the two; what either of them had heard of before must be in the answer. */
  const ask = async (by: number): Promise<void> => {
    const heard = Math.max(...watchers.map((watcher) => watcher.heard));
    const listed = await watchers[by]!.list();
    reads += 1;
    if (!(listed >= heard)) stale.push(`process ${by} answered ${listed} after ${heard} had been passed on`);
  };

  const untilAllHeard = async (): Promise<void> => {
    while (watchers.some(({ heard }) => heard < upstream.changes)) await pause(1);
  };

  /** What the server does, while both processes are asked without pause, and as soon as one of them passes a change on. */
  const watched = async (act: () => Promise<void>): Promise<void> => {
    const over = new AbortController();
    const asking: Promise<void>[] = [];
    const both = (): void => void asking.push(ask(0), ask(1));
    for (const watcher of watchers) watcher.hearing = both;
    for (const by of [0, 1]) {
      asking.push(
        (async () => {
          while (!over.signal.aborted) await ask(by);
        })(),
      );
    }
    try {
      await act();
      await untilAllHeard();
    } finally {
      over.abort();
      await Promise.all(asking);
    }
  };

  /** What each of the two answers now, when everything has been told. */
  const lists = (): Promise<number[]> => Promise.all(watchers.map((watcher) => watcher.list()));

  beforeEach(() => {
    [stale, reads] = [[], 0];
    upstream.lists = 0;
  });

  it('are never those from before a change that either process has passed on', async () => {
    await watched(async () => {
      for (let change = 0; change < 100; change += 1) {
        // So that it finds the list kept, or about to be.
        const asked = reads + 2 * (change % 20);
        await until(() => reads >= asked);
        await upstream.change();
        await untilAllHeard();
      }
    });
    expect(stale).toEqual([]);
    // Else nothing was kept that could have been stale.
    expect(upstream.lists).toBeLessThan(reads / 2);
  });

  it('also when they change faster than anybody is told', async () => {
    await watched(async () => {
      for (let burst = 0; burst < 10; burst += 1) {
        for (let change = 0; change < 20; change += 1) void upstream.change();
        await pause(burst);
      }
    });
    expect(stale).toEqual([]);
    expect(await lists()).toEqual([upstream.changes, upstream.changes]);
  });
});
