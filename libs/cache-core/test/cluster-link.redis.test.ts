import { setTimeout as pause } from 'node:timers/promises';
import { startRedisCluster, type TestClusterNode, type TestRedisCluster, until } from '@promptsales/test-kit';
import { ClusterLink, type ClusterSettings } from '../src/redis/cluster-link.js';
import type { RedisUnavailableError } from '../src/redis/errors.js';
import { DEFAULT_LINK_TIMES } from '../src/redis/link.js';
import { loadScript } from '../src/redis/script.js';
import { Subscriptions } from '../src/redis/subscriptions.js';
import { PATIENT } from './redis-place.js';

const COUNT = loadScript(new URL('./lua/slow-count.lua', import.meta.url));
const SWEEP = loadScript(new URL('../src/cache/lua/sweep.lua', import.meta.url));

/** One of these lies in each third of the slots. */
const KEYS = ['b', 'a', 'c'];

describe('a link to a cluster', () => {
  let cluster: TestRedisCluster;
  let link: ClusterLink;

  const linkTo = (settings: Partial<ClusterSettings> = {}): ClusterLink =>
    new ClusterLink({
      ...DEFAULT_LINK_TIMES,
      ...PATIENT,
      heartbeatMs: 50,
      holdAfterRestartMs: 0,
      name: 'test',
      seeds: cluster.addresses.split(',').slice(0, 2),
      connection: {},
      ...settings,
    });

  /** In place of the patient one: it notices soon when a node is frozen. */
  const hurry = async (): Promise<void> => {
    await link.close();
    link = linkTo({ commandTimeoutMs: 1000 }).open();
    await link.untilUp(60_000);
  };
  const set = (key: string, value: string) => link.readAt(key, (client) => client.set(key, value));
  const get = (key: string) => link.readAt(key, (client) => client.get(key));
  const linkOf = (node: TestClusterNode) =>
    link.nodes().find(({ name }) => name.endsWith(`:${node.port}`)) as ReturnType<ClusterLink['nodes']>[number];
  const away = (error: unknown): string => (error as RedisUnavailableError).trouble;

  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeoutMs: 20_000 });
  });

  beforeEach(async () => {
    link = linkTo().open();
    await link.untilUp(60_000);
    await link.onEachNode(async (node) => void (await node.read((client) => client.flushall())));
  });

  afterEach(async () => {
    await link.close();
    await cluster.untilWhole();
  });

  test('reads and runs scripts where each key is', async () => {
    for (const key of KEYS) expect(await link.run(COUNT, [key], [])).toBe(1);
    expect(await Promise.all(KEYS.map(get))).toEqual(['1', '1', '1']);
    const owners = new Set(await Promise.all(KEYS.map(async (key) => (await cluster.primaryOf(key)).port)));
    expect(owners.size).toBe(3);
    await expect(link.run(SWEEP, [], ['0', '*', 1])).rejects.toThrow(RangeError);
  });

  test('trap 4: strings of many slots are read in one go, each in its place', async () => {
    const keys = Array.from({ length: 50 }, (_, n) => `k${n}`);
    await Promise.all(keys.filter((_, n) => n % 2 === 0).map((key) => set(key, `value of ${key}`)));
    const wanted = [...keys, 'k0'];
    const values = (await link.readStrings(wanted)).map((value) => value?.toString() ?? null);
    expect(values).toEqual(wanted.map((key) => (Number(key.slice(1)) % 2 === 0 ? `value of ${key}` : null)));
    expect(await link.readStrings([])).toEqual([]);
  });

  test('trap 4: every primary is visited, each once', async () => {
    const visited: string[] = [];
    await link.onEachNode(async (node) => void visited.push(node.name));
    const ports = (await cluster.primaries()).map(({ port }) => `test@127.0.0.1:${port}`);
    expect(visited.toSorted()).toEqual(ports.toSorted());
  });

  test('follows a slot that has moved, scripts too, without asking for the map first', async () => {
    const key = 'moved';
    const [from, slot] = [await cluster.primaryOf(key), await cluster.slotOf(key)];
    const to = (await cluster.primaries()).find((node) => node !== from) as TestClusterNode;
    await set(key, '1');
    await cluster.moveSlot(slot, to);
    expect(await get(key)).toBe('1');
    // One that has slots taken and given back between two looks would be held: that cannot be told from a failover.
    await link.onEachNode(async () => {});
    await cluster.moveSlot(slot, from);
    expect(await link.run(COUNT, [key], [])).toBe(2);
  });

  test('a slot on its way is asked for where its keys are', async () => {
    const [here, there] = ['{way}here', '{way}there'];
    const [from, slot] = [await cluster.primaryOf(here), await cluster.slotOf(here)];
    const to = (await cluster.primaries()).find((node) => node !== from) as TestClusterNode;
    await set(there, '1');
    const move = await cluster.beginMove(slot, to);
    await move.moveKeys();
    // New keys of a slot that leaves are made where it goes, by whoever asks there.
    expect(await get(there)).toBe('1');
    expect(await link.run(COUNT, [there], [])).toBe(2);
    // Reads of several keys find what exists; a script of several cannot run while they may be apart.
    expect((await link.readStrings([there, '{way}none'])).map(String)).toEqual(['2', 'null']);
    const apart = await link.run(COUNT, [there, '{way}none'], []).catch(away);
    expect(apart).toBe('away');
    await move.finish();
    expect(await link.run(COUNT, [there, '{way}none'], [])).toBe(3);
    await cluster.moveSlot(slot, from);
  });

  test('trap 4: a key that moves behind the back of a scan is met', async () => {
    for (const key of KEYS) await set(key, 'x');
    const seen: string[] = [];
    let moved: { readonly key: string; readonly home: TestClusterNode } | undefined;
    await link.onEachNode(async (node) => {
      const here = await node.read((client) => client.keys('*'));
      seen.push(...here);
      if (moved !== undefined) return;
      // From a node that is still to be visited to the one that has just been.
      const key = KEYS.find((one) => !here.includes(one)) as string;
      moved = { key, home: await cluster.primaryOf(key) };
      const visited = cluster.nodes.find(({ port }) => node.name.endsWith(`:${port}`)) as TestClusterNode;
      await cluster.moveSlot(await cluster.slotOf(key), visited);
    });
    expect(seen).toContain(moved?.key);
    if (moved !== undefined) await cluster.moveSlot(await cluster.slotOf(moved.key), moved.home);
  });

  test('a node that is frozen takes its own slots with it and no others, and its callers wait for nothing', async () => {
    await hurry();
    const [lost, ...others] = KEYS as [string, string, string];
    const node = await cluster.primaryOf(lost);
    node.freeze();
    try {
      await until(() => !link.upFor(lost));
      expect(link.up).toBe(false);
      expect(link.lastError).toContain(`:${node.port}`);
      for (const key of others) expect(await link.run(COUNT, [key], [])).toBe(1);
      const refused = await Promise.all(Array.from({ length: 200 }, () => get(lost).catch(away)));
      expect(new Set(refused)).toEqual(new Set(['away']));
      await expect(link.readStrings(KEYS)).rejects.toMatchObject({ trouble: 'away' });
    } finally {
      node.thaw();
    }
    await link.untilUp(60_000);
    expect(await get(lost)).toBeNull();
  });

  test('what takes over is held and recovered before it is read; the others stay in use', async () => {
    await link.close();
    link = linkTo({ holdAfterRestartMs: 300 });
    const recovered: string[][] = [];
    link.onRecovery(async (run, part) => {
      recovered.push(KEYS.filter((key) => part.covers(key)));
      for (const key of KEYS) if (part.covers(key)) await run(COUNT, [`{${key}}n`], []);
    });
    link.open();
    await link.untilUp(60_000);
    expect(recovered.map((keys) => keys.length)).toEqual([1, 1, 1]);
    recovered.length = 0;

    const [key, ...others] = KEYS as [string, string, string];
    const disturbed: string[] = [];
    const over = new AbortController();
    const use = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await Promise.all(others.map((other) => get(other).catch((error) => void disturbed.push(away(error)))));
        await pause(2);
      }
    };
    const using = use();
    const before = await cluster.primaryOf(key);
    // From before it connects: who has brought the failover about may be the last to hear that it is over.
    const states: { readonly state: string; readonly at: number }[] = [];
    link.on('nodes', (added) => {
      for (const node of added) node.on('state', (state) => states.push({ state, at: performance.now() }));
    });
    const heir = await cluster.failOver(before);
    await until(() => link.upFor(key) && linkOf(heir)?.up);
    const [recovering, up] = states.slice(-2);
    expect([recovering?.state, up?.state]).toEqual(['recovering', 'up']);
    expect((up?.at ?? 0) - (recovering?.at ?? 0)).toBeGreaterThanOrEqual(290);
    // Before it is held, and again after.
    expect(recovered.slice(-2)).toEqual([[key], [key]]);
    expect(new Set(recovered.flat())).toEqual(new Set([key]));
    await until(() => linkOf(before) === undefined);
    over.abort();
    await using;
    expect(disturbed).toEqual([]);
  });

  test('tells which nodes came and went, and ends a dedicated client with its node', async () => {
    await hurry();
    const changes: string[] = [];
    const nameOf = (node: TestClusterNode): string => `test@127.0.0.1:${node.port}`;
    link.on('nodes', (added, removed) => {
      changes.push(...added.map(({ name }) => `+${name}`), ...removed.map(({ name }) => `-${name}`));
    });
    const clients = await Promise.all(
      // So many that some of them are at each node, whichever chance gives them.
      Array.from({ length: 60 }, async () => {
        const client = link.dedicatedClient('test');
        client.on('error', () => undefined);
        await client.connect();
        return client;
      }),
    );
    const before = await cluster.primaryOf('a');
    const onIt = clients.filter(({ options }) => options.port === before.port);
    expect(onIt.length).toBeGreaterThan(0);
    before.freeze();
    try {
      await until(() => onIt.every(({ status }) => status === 'end'));
      expect(clients.filter(({ status }) => status === 'end')).toHaveLength(onIt.length);
      const heir = await cluster.failOver(before);
      await until(() => changes.length === 2);
      expect(changes).toEqual([`+${nameOf(heir)}`, `-${nameOf(before)}`]);
    } finally {
      before.thaw();
      for (const client of clients) client.disconnect(false);
    }
  });

  test('a subscription outlives its node, and says that it may have missed something', async () => {
    await hurry();
    const subscriptions = new Subscriptions(link);
    const heard: string[] = [];
    await subscriptions.on('news', (message) => void heard.push(message === null ? 'interrupted' : message.toString()));
    const publish = (key: string) => link.readAt(key, (client) => client.publish('news', `from the node of ${key}`));
    for (const key of KEYS) await publish(key);
    await until(() => heard.length === 3);
    const subscribers = await Promise.all(
      link.nodes().map(async (node) => (await node.read((client) => client.pubsub('CHANNELS', 'news'))).length),
    );
    const port = Number(link.nodes()[subscribers.indexOf(1)]?.name.split(':').at(-1));
    const node = cluster.nodes.find((one) => one.port === port) as TestClusterNode;
    node.freeze();
    try {
      await until(() => heard.length === 4);
      expect(heard[3]).toBe('interrupted');
      const reachable = KEYS.find((key) => link.upFor(key)) as string;
      await publish(reachable);
      await until(() => heard.at(-1) === `from the node of ${reachable}`);
    } finally {
      node.thaw();
      subscriptions.close();
    }
  });

  test('is up when the first seeds are dead', async () => {
    await link.close();
    const [alive] = cluster.addresses.split(',').toReversed();
    link = linkTo({ seeds: ['127.0.0.1:1', alive as string] }).open();
    await link.untilUp(60_000);
    expect(link.nodes()).toHaveLength(3);
  });
});
