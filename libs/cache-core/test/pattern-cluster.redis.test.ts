import { startRedisCluster, type TestRedisCluster } from '@promptsales/test-kit';
import { Cache, FamilyGlob, RedisRoles, keyspace, type PatternProgress, type PatternRun } from '../src/index.js';

const KEYS = 3000;

describe('invalidation by pattern in a cluster', () => {
  let cluster: TestRedisCluster;
  let roles: RedisRoles;
  let cache: Cache;

  const link = () => roles.link('cache');
  const invalidate = (glob: string, run: Partial<PatternRun> = {}): Promise<PatternProgress> =>
    cache.invalidateMatching(FamilyGlob.parse(glob), { dryRun: false, signal: new AbortController().signal, ...run });
  const fill = async (): Promise<void> => {
    const write = (key: string) =>
      Promise.all(
        [`app:${key}`, `meta:{app:${key}}`, `other:${key}`].map((one) =>
          link().readAt(one, (client) => client.set(one, '"old"')),
        ),
      );
    for (let from = 0; from < KEYS; from += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, n) => write(`k${from + n}`)));
    }
  };
  const left = async (prefix: string): Promise<number> => {
    let count = 0;
    await link().onEachNode(async (node) => {
      count += (await node.read((client) => client.keys(`${prefix}*`))).length;
    });
    return count;
  };
  /** Once, as soon as something was deleted. */
  const meanwhile = (harm: () => Promise<unknown>): { run: Partial<PatternRun>; done: () => Promise<unknown> } => {
    let harmed: Promise<unknown> | undefined;
    return {
      run: {
        onProgress: ({ deleted }) => {
          if (deleted > 0) harmed ??= harm();
        },
      },
      done: async () => {
        expect(harmed).toBeDefined();
        await harmed;
      },
    };
  };

  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeoutMs: 20_000 });
  });

  beforeEach(async () => {
    const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    roles = new RedisRoles({
      cluster: nodes,
      times: { commandTimeoutMs: 10_000, heartbeatMs: 50, holdAfterRestartMs: 50 },
    }).open();
    await Promise.all(roles.links().map((one) => one.untilUp(60_000)));
    await link().onEachNode(async (node) => void (await node.read((client) => client.flushall())));
    cache = new Cache(roles);
  });

  afterEach(async () => {
    cache.close();
    await roles.close();
    await cluster.untilWhole();
  });

  test('trap 4: misses no key whose slot moves meanwhile', async () => {
    await fill();
    const ref = keyspace.appValue.at({ key: 'k1' });
    const slot = await cluster.slotOf(ref.key);
    const from = await cluster.primaryOf(slot);
    const to = (await cluster.primaries()).find(({ id }) => id !== from.id) as typeof from;
    const { run, done } = meanwhile(() => cluster.moveSlot(slot, to));
    await invalidate('app:*', run);
    await done();
    expect([await left('app:'), await left('meta:'), await left('other:')]).toEqual([0, 0, KEYS]);
  });

  test('trap 4: misses no key whose primary dies meanwhile and is replaced', async () => {
    await fill();
    const [victim] = (await cluster.primaries()).toReversed();
    const { run, done } = meanwhile(async () => {
      await victim?.kill();
      await cluster.failOver(victim as NonNullable<typeof victim>);
      await victim?.restart();
    });
    await invalidate('app:*', run);
    await done();
    await cluster.untilWhole();
    await link().untilUp(60_000);
    expect([await left('app:'), await left('meta:'), await left('other:')]).toEqual([0, 0, KEYS]);
  });
});
