import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '@promptsales/test-kit';
import {
  FamilyGlob,
  InvalidationOperations,
  TooManyOperationsError,
  type Begun,
  type OperationsSettings,
  type OperationView,
  type RedisHome,
} from '../src/index.js';
import { startProcess, stop, type Process } from './cache-process.js';
import type { OneServer } from './redis-place.js';
import { onOneServer } from './stage.js';

interface Operator extends Process {
  readonly operations: InvalidationOperations;
  readonly events: string[];
}

const operatorProcess = {
  async start(home: RedisHome, settings: Partial<OperationsSettings> = {}): Promise<Operator> {
    const process = await startProcess(home);
    const events: string[] = [];
    // Nobody takes over from a process that this machine keeps from its beats.
    const times = { ownedMs: 30_000, heartbeatMs: 50, lookEveryMs: 100, ...settings };
    const operations = new InvalidationOperations(process.cache, process.roles, times, {
      operation: (event) => events.push(event),
      operationTrouble: (error) => events.push(String(error)),
    }).lookAfterOthers();
    return { ...process, operations, events };
  },
  async stop(operator: Operator): Promise<void> {
    await operator.operations.close();
    await stop(operator);
  },
};

onOneServer('operations', operatorProcess, (stage) => {
  let redis: OneServer;
  let raw: OneServer['raw'];
  let a: Operator;
  let b: Operator;

  const fill = async (count: number): Promise<void> => {
    for (let from = 0; from < count; from += 5000) {
      const pipeline = raw.pipeline();
      for (let n = from; n < Math.min(count, from + 5000); n += 1) pipeline.set(`app:k${n}`, `"${n}"`);
      await pipeline.exec();
    }
  };
  const begin = async (operator: Operator, glob: string, options = {}, tenant?: string) => {
    const begun = await operator.operations.begin(FamilyGlob.parse(glob, tenant), options);
    if (begun.kind !== 'operation') throw new Error('it was not begun');
    return begun;
  };
  const untilEnded = async (operator: Operator, id: string): Promise<OperationView> => {
    let seen: OperationView | null = null;
    await until(async () => {
      // While its server is away nobody can be asked.
      seen = await operator.operations.get(id).catch(() => null);
      return seen !== null && seen.endedAt !== null;
    });
    return seen as unknown as OperationView;
  };
  /** What it carries out waits with its first removal until it is let go. */
  const hold = ({ roles }: Operator, heard: (reply: unknown) => void = () => undefined) => {
    const link = roles.link('cache');
    const run = link.run.bind(link);
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    link.run = async (script, keys, args) => {
      if (script.name === 'ps_invalidate_entries') {
        reached.resolve();
        await held.promise;
      }
      const reply = await run(script, keys, args);
      heard(reply);
      return reply;
    };
    return { reached: reached.promise, letGo: held.resolve };
  };
  /** The same, until it has heard that it should not. */
  const holdUntilHeard = (operator: Operator, heard: string): { readonly reached: Promise<void> } => {
    const { reached, letGo } = hold(operator, (reply) => void (reply === heard && setImmediate(letGo)));
    return { reached };
  };
  const left = async (): Promise<number> => (await redis.keys('app:*')).length;

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  test('can be followed from any process, by the tenant that began it', async () => {
    await fill(3000);
    const { id, ended, waiting } = await begin(a, 'app:*');
    expect(waiting).toBe(false);
    const seen = await untilEnded(b, id);
    expect(seen).toMatchObject({
      id,
      tenant: 'default',
      pattern: 'app:*',
      dryRun: false,
      state: 'done',
      progress: { deleted: 3000, nodes: [{ deleted: 3000 }] },
    });
    expect(await ended).toMatchObject({ state: 'done', progress: { deleted: 3000 } });
    expect(await b.operations.get(id, 'acme')).toBeNull();
    expect(await b.operations.get('nothing')).toBeNull();
    expect(await left()).toBe(0);
    await until(async () => (await raw.exists('cache_operations:open')) === 0);
    const ttl = await raw.ttl(`cache_operation:${id}`);
    expect(ttl).toBeGreaterThan(86_000);
    expect(ttl).toBeLessThanOrEqual(86_400);
  });

  test('can be asked what they would do', async () => {
    await fill(100);
    const { ended } = await begin(a, 'app:k1*', { dryRun: true });
    expect(await ended).toMatchObject({ state: 'done', progress: { deleted: 11 } });
    expect(await left()).toBe(100);
  });

  test('can be stopped from any process', async () => {
    await fill(20_000);
    holdUntilHeard(a, 'cancelling');
    const { id, ended } = await begin(a, 'app:*');
    expect(await b.operations.cancel(id, 'acme')).toBeNull();
    expect(await b.operations.cancel(id)).toMatchObject({ state: expect.stringMatching(/^cancel/) });
    expect((await ended).state).toBe('cancelled');
    expect(await untilEnded(b, id)).toMatchObject({ state: 'cancelled' });
    expect(await left()).toBeGreaterThan(0);
    // What has ended stays as it is.
    expect(await a.operations.cancel(id)).toMatchObject({ state: 'cancelled' });
  });

  test('are taken over from a process that was killed, and carried out to the end', async () => {
    await fill(30_000);
    const holder = spawn(
      process.execPath,
      ['--experimental-transform-types', '--no-warnings', join(__dirname, 'operation-holder.mjs'), redis.url, 'app:*'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const lines = createInterface({ input: holder.stdout })[Symbol.asyncIterator]();
    const id = String((await lines.next()).value);
    expect((await lines.next()).value).toMatch(/^deleted/);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(await left()).toBeGreaterThan(0);
    expect(await a.operations.get(id)).toMatchObject({ state: 'running' });
    expect(await untilEnded(a, id)).toMatchObject({ state: 'done' });
    expect(await left()).toBe(0);
    expect([...a.events, ...b.events].filter((event) => event === 'taken_over')).toHaveLength(1);
  });

  test('are handed over by a process that ends', async () => {
    await fill(20_000);
    const { reached, letGo } = hold(a);
    const { id, ended } = await begin(a, 'app:*');
    await reached;
    const closed = a.operations.close();
    letGo();
    await closed;
    expect(await ended).toMatchObject({ state: 'handed_over', progress: { deleted: expect.any(Number) } });
    expect((await ended).progress.deleted).toBeGreaterThan(0);
    expect(await untilEnded(b, id)).toMatchObject({ state: 'done', progress: { deleted: 20_000 } });
    await until(async () => b.events.includes('done'));
    expect(b.events).toEqual(['taken_over', 'done']);
    expect(await left()).toBe(0);
  });

  test('stop in a process that finds that another carries them out', async () => {
    await fill(20_000);
    const { reached } = holdUntilHeard(a, 'other');
    const { id, ended } = await begin(a, 'app:*');
    await reached;
    await raw.hset(`cache_operation:${id}`, { owner: 'somebody', owned_until_ms: String(Date.now() + 5000) });
    expect((await ended).state).toBe('handed_over');
    // Somebody never says anything again, and what was removed beside them is counted.
    expect(await left()).toBeLessThan(20_000);
    expect(await untilEnded(b, id)).toMatchObject({ state: 'done', progress: { deleted: 20_000 } });
  });

  test('a stop that its owner did not live to hear is carried out by another', async () => {
    await fill(10);
    const now = new Date().toISOString();
    await raw.hset('cache_operation:left', {
      tenant: 'default',
      pattern: 'app:*',
      dry_run: 'false',
      state: 'cancelling',
      started_at: now,
      updated_at: now,
      owner: 'gone',
      owned_until_ms: '0',
      progress: JSON.stringify({ scanned: 0, deleted: 0, nodes: [], sample: [] }),
    });
    await raw.zadd('cache_operations:open', Date.now(), 'cache_operation:left');
    expect(await untilEnded(a, 'left')).toMatchObject({ state: 'cancelled' });
    expect(await left()).toBe(10);
  });

  test('names whose operation never came to be are taken away in time', async () => {
    await raw.zadd('cache_operations:open', Date.now() - 61_000, 'cache_operation:old');
    await raw.zadd('cache_operations:open', Date.now(), 'cache_operation:new');
    await until(async () => (await raw.zcard('cache_operations:open')) === 1);
    expect(await raw.zrange('cache_operations:open', 0, -1)).toEqual(['cache_operation:new']);
  });

  test('are bounded in each process', async () => {
    await stage.stop(a);
    a = await stage.start({ mostAtOnce: 1 });
    await fill(20_000);
    const { ended } = await begin(a, 'app:*');
    await expect(begin(a, 'app:*')).rejects.toThrow(TooManyOperationsError);
    await ended;
    expect((await (await begin(a, 'app:*')).ended).state).toBe('done');
  });

  test('trap 8: what cannot be recorded is kept, and nothing of it is read before it is done', async () => {
    await fill(10);
    redis.freeze();
    await until(async () => !a.roles.up);
    const begun: Begun = await a.operations.begin(FamilyGlob.parse('app:*'));
    expect(begun).toEqual({ kind: 'kept' });
    await expect(a.operations.begin(FamilyGlob.parse('app:*'), { dryRun: true })).rejects.toThrow(/unavailable/);
    redis.thaw();
    await until(async () => a.roles.up);
    expect(await left()).toBe(0);
  });

  test('survive a server that is killed and comes back', async () => {
    await fill(30_000);
    const { id } = await begin(a, 'app:*');
    await redis.restart('app:k0');
    await until(async () => a.roles.up && b.roles.up && raw.status === 'ready');
    expect(await untilEnded(b, id)).toMatchObject({ state: 'done' });
    expect(await left()).toBe(0);
  });
});
