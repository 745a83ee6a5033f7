/**
 * While Redis is killed and comes back, and while the process is killed that listens to an MCP server: nobody is given a list from
 * before a change that any process has passed on. Three operating-system processes, a Redis that keeps what it had.
 */
import {
  createDatabase,
  startChangingTools,
  startRedis,
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
  let processes: BuiltProcess[];
  let addresses: string[];
  let watchers: ToolsWatcher[];
  let heard = 0;
  let stale: string[];

  beforeAll(async () => {
    [redis, database, upstream] = await Promise.all([
      startRedis({ appendOnly: true }),
      createDatabase(),
      startChangingTools(),
      buildApplications(),
    ]);
    const stores = { REDIS_URL: redis.url, DATABASE_URL: database.url };
    processes = [0, 1, 2].map(() => new BuiltProcess('api', stores));
    addresses = await Promise.all(processes.map((process) => process.ready()));
    await serveChangingTools(addresses, upstream);
    watchers = await Promise.all(addresses.map(connected));
    await untilTheyListen(upstream, watchers);
  });

  beforeEach(() => void (stale = []));

  afterAll(async () => {
    await Promise.allSettled(watchers.map((watcher) => watcher.close()));
    await endProcesses();
    await upstream.stop();
    await redis.stop();
    await database.drop();
  });

  async function connected(address: string): Promise<ToolsWatcher> {
    const watcher = await new ToolsWatcher().connect(`${address}/mcp/changing`);
    watcher.hearing = () => (heard = Math.max(heard, watcher.heard));
    return watcher;
  }

  /** What any client had heard of must be in the answer. */
  async function ask(watcher: ToolsWatcher): Promise<number> {
    const before = heard;
    const listed = await watcher.list();
    if (!(listed >= before))
      stale.push(`${watchers.indexOf(watcher)} answered ${listed} after ${before} had been passed on`);
    return listed;
  }

  /** All of them ask without pause until `act` is over. */
  async function asking(who: readonly ToolsWatcher[], act: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const loops = who.map(async (watcher) => {
      while (!over.signal.aborted) await ask(watcher);
    });
    try {
      await act();
    } finally {
      over.abort();
      await Promise.all(loops);
    }
  }

  const changes = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      await upstream.change();
      await pause(time % 30);
    }
  };
  const untilAllHave = async (who: readonly ToolsWatcher[]): Promise<void> => {
    while ((await Promise.all(who.map(ask))).some((listed) => listed < upstream.changes)) await pause(20);
  };

  it('are never those from before what was passed on, while Redis is killed and started again', async () => {
    await asking(watchers, async () => {
      for (let round = 0; round < 4; round += 1) {
        const changing = changes(60);
        await pause(100 * round);
        await redis.kill();
        await pause(200 * round);
        await redis.restart();
        await changing;
        // So that the next round finds lists kept again.
        await pause(1500);
      }
    });
    await untilAllHave(watchers);
    expect(stale).toEqual([]);
  });

  it('are those of the server when Redis comes back from before a change that it missed', async () => {
    await untilAllHave(watchers);
    await redis.kill();
    await upstream.change();
    while (heard < upstream.changes) await pause(10);
    // What it has is from before that.
    await asking(watchers, () => redis.restart().then(() => pause(3000)));
    expect(stale).toEqual([]);
    expect(await Promise.all(watchers.map(ask))).toEqual(watchers.map(() => upstream.changes));
  });

  it('are never those from before what was passed on, while the process is killed that listens', async () => {
    await asking(watchers.slice(1), async () => {
      const changing = changes(100);
      await pause(300);
      processes[0]?.child.kill('SIGKILL');
      await changing;
      // Its client goes elsewhere.
      watchers[0] = await connected(addresses[1] as string);
      await changes(50);
    });
    await untilAllHave(watchers);
    expect(stale).toEqual([]);
  });

  it('are soon those of the server when nobody is left who listens', async () => {
    await Promise.all(watchers.map((watcher) => watcher.close()));
    const listening = await connected(addresses[1] as string);
    const silent = await new ToolsWatcher().connect(`${addresses[2]}/mcp/changing`, false);
    watchers = [listening, silent];
    await untilAllHave(watchers);
    processes[1]?.child.kill('SIGKILL');
    await processes[1]?.exited();
    await upstream.change();
    // A list that somebody listens for would be good for five minutes.
    while ((await ask(silent)) < upstream.changes) await pause(100);
    expect(await ask(silent)).toBe(upstream.changes);
  });
});
