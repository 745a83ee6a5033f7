import { findRedis, freePort, isPortFree, type LocalServer, startRedisServer } from '@promptsales/local-services';
import { admin, glance, replicationOf, until, upToDate } from './admin.js';
import { endWithTestFile, localDirectory, temporaryDirectory } from './test-run.js';

const SLOTS = 16_384;
/** The bus listens this far above the port; both must lie below the ports of outgoing connections. */
const BUS_OFFSET = 10_000;
const HIGHEST_PORT = 22_700;
/** Longer than Redis tries an orderly failover; it gives up one that a busy machine holds up. */
const FAILOVER_MS = 6000;

export interface StartRedisClusterOptions {
  /** @default 3 */
  readonly primaries?: number;
  /** @default 1 */
  readonly replicasEach?: number;
  /** After so long without a sign of life a node is held for dead and its replica takes over. @default 5000 */
  readonly nodeTimeoutMs?: number;
  /**
   * Whether a cluster with slots that nobody serves refuses all others too, as Redis does unless told otherwise.
   * @default false
   */
  readonly requireFullCoverage?: boolean;
  /** Further arguments of each redis-server. */
  readonly args?: readonly string[];
}

/** One server of a cluster: it can be killed, frozen and restarted like any other. */
export interface TestClusterNode extends LocalServer {
  readonly id: string;
}

/** A slot on its way: keys that have left are asked for elsewhere (ASK) until `finish` says who owns it (MOVED). */
export interface TestSlotMove {
  readonly from: TestClusterNode;
  readonly to: TestClusterNode;
  /** Moves up to `most` keys; resolves with how many there were. */
  moveKeys(most?: number): Promise<number>;
  /** Moves what is left and gives the slot to its new owner. */
  finish(): Promise<void>;
}

/** A Redis Cluster of the test's own on 127.0.0.1. It ends with the test file at the latest. */
export class TestRedisCluster {
  constructor(
    readonly nodes: readonly TestClusterNode[],
    private readonly replicasEach: number,
  ) {}

  /** As `REDIS_CLUSTER_NODES` takes it. */
  get addresses(): string {
    return this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  }

  /** Who owns a slot, or the slot of a key, by what most of the living nodes say. */
  async primaryOf(slotOrKey: number | string): Promise<TestClusterNode> {
    const slot = typeof slotOrKey === 'number' ? slotOrKey : await this.slotOf(slotOrKey);
    const owner = ownerOf(await this.#anyView(), slot);
    if (owner === undefined) throw new Error(`nobody owns slot ${slot}`);
    return this.#nodeAt(owner);
  }

  /** Each primary once, by what a living node says. */
  async primaries(): Promise<TestClusterNode[]> {
    const ports = new Set((await this.#anyView()).map(({ port }) => port));
    return [...ports].map((port) => this.#nodeAt(port));
  }

  async replicaOf(primary: TestClusterNode): Promise<TestClusterNode> {
    for (const row of (await this.#anyView()).filter(({ port }) => port === primary.port)) {
      const port = row.replicas[0];
      if (port !== undefined) return this.#nodeAt(port);
    }
    throw new Error(`${primary.url} has no replica`);
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.#ofAny('CLUSTER', 'KEYSLOT', key));
  }

  /**
   * Makes a replica of `primary` the primary, and resolves with it when every living node knows. A primary that runs
   * hands over; one that is dead or frozen is replaced at once, without waiting for the node time-out.
   */
  async failOver(primary: TestClusterNode): Promise<TestClusterNode> {
    const heir = await this.replicaOf(primary);
    let ordered = Number.NEGATIVE_INFINITY;
    await until('every living node knows the new primary', async () => {
      if (performance.now() - ordered > FAILOVER_MS && (await replicationOf(heir.port)).includes('role:slave')) {
        ordered = performance.now();
        await admin(heir.port, 'CLUSTER', 'FAILOVER', ...(primary.runs ? [] : ['TAKEOVER']));
      }
      const views = await this.#livingViews();
      return views.every(
        (view) => view.some(({ port }) => port === heir.port) && view.every(({ port }) => port !== primary.port),
      );
    });
    return heir;
  }

  /** Begins to move a slot; nothing has moved yet. */
  async beginMove(slot: number, to: TestClusterNode): Promise<TestSlotMove> {
    const from = await this.primaryOf(slot);
    await admin(to.port, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await admin(from.port, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    const moveKeys = async (most = 1000): Promise<number> => {
      const keys = (await admin(from.port, 'CLUSTER', 'GETKEYSINSLOT', slot, most)) as string[];
      if (keys.length > 0) await admin(from.port, 'MIGRATE', '127.0.0.1', to.port, '', 0, 30_000, 'KEYS', ...keys);
      return keys.length;
    };
    return {
      from,
      to,
      moveKeys,
      finish: async () => {
        while ((await moveKeys()) > 0);
        // The new owner first: a slot that nobody claims would be lost if this stopped in between.
        for (const node of [to, from]) await admin(node.port, 'CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
        await until('every living node knows the new owner', async () =>
          (await this.#livingViews()).every((view) => ownerOf(view, slot) === to.port),
        );
      },
    };
  }

  async moveSlot(slot: number, to: TestClusterNode): Promise<void> {
    await (await this.beginMove(slot, to)).finish();
  }

  /** Resolves when every node answers, agrees about every slot and is up to date as primary or replica. */
  async untilWhole(withinMs?: number): Promise<void> {
    await until(
      'the cluster is whole',
      async () => {
        const infos = await Promise.all(this.nodes.map(({ port }) => glance(port, 'CLUSTER', 'INFO').then(String)));
        const views = await this.#livingViews();
        const first = JSON.stringify(views[0]);
        return (
          infos.every((info) => info.includes('cluster_state:ok')) &&
          views.every((view) => JSON.stringify(view) === first) &&
          (views[0] as View).every(({ replicas }) => replicas.length === this.replicasEach) &&
          (await upToDate(this.nodes))
        );
      },
      withinMs,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  #nodeAt(port: number): TestClusterNode {
    const node = this.nodes.find((one) => one.port === port);
    if (node === undefined) throw new Error(`no node of this cluster listens on ${port}`);
    return node;
  }

  async #livingViews(): Promise<View[]> {
    const asked = await Promise.allSettled(this.nodes.filter(({ runs }) => runs).map(({ port }) => viewOf(port)));
    return asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async #anyView(): Promise<View> {
    const views = await this.#livingViews();
    const counts = Map.groupBy(views, (view) => JSON.stringify(view));
    const [most] = [...counts.values()].toSorted((a, b) => b.length - a.length);
    if (most?.[0] === undefined) throw new Error('no node of the cluster answers');
    return most[0];
  }

  async #ofAny(...command: string[]): Promise<unknown> {
    return Promise.any(this.nodes.map(({ port }) => admin(port, ...command)));
  }
}

/** Who serves which slots, as one node sees it. */
type View = readonly {
  readonly from: number;
  readonly to: number;
  readonly port: number;
  readonly replicas: readonly number[];
}[];
type SlotsRow = [from: number, to: number, ...nodes: [host: string, port: number, id: string][]];

async function viewOf(port: number): Promise<View> {
  const rows = (await admin(port, 'CLUSTER', 'SLOTS')) as SlotsRow[];
  return rows
    .map(([from, to, primary, ...replicas]) => ({
      from,
      to,
      port: Number(primary?.[1]),
      replicas: replicas.map((replica) => replica[1]).toSorted((a, b) => a - b),
    }))
    .toSorted((a, b) => a.from - b.from);
}

const ownerOf = (view: View, slot: number): number | undefined =>
  view.find(({ from, to }) => from <= slot && slot <= to)?.port;

async function freeNodePort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port <= HIGHEST_PORT && (await isPortFree(port + BUS_OFFSET))) return port;
  }
}

async function startNode(options: StartRedisClusterOptions): Promise<TestClusterNode> {
  const binary = await findRedis({ localDirectory });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const server = await startRedisServer(binary, {
        directory: temporaryDirectory('redis-cluster'),
        port: await freeNodePort(),
        temporary: true,
        databases: 1,
        args: [
          ['--cluster-enabled', 'yes'],
          ['--cluster-node-timeout', String(options.nodeTimeoutMs ?? 5000)],
          ['--cluster-require-full-coverage', options.requireFullCoverage === true ? 'yes' : 'no'],
          ['--cluster-replica-validity-factor', '0'],
          ['--repl-diskless-sync-delay', '0'],
          // Until its primary has sent it something, a replica is not named as one.
          ['--repl-ping-replica-period', '1'],
          options.args ?? [],
        ].flat(),
      });
      const id = String(await admin(server.port, 'CLUSTER', 'MYID'));
      return Object.assign(endWithTestFile(server), { id });
    } catch (error) {
      // Between finding two ports free and binding them, another process may have taken one.
      if (attempt === 5 || !/in use|listening/i.test(String(error))) throw error;
    }
  }
}

/**
 * Starts a cluster and resolves when it is whole: a little over two seconds, most of them Redis's own wait before a node
 * that has just started takes writes. A file of tests shares one.
 */
export async function startRedisCluster(options: StartRedisClusterOptions = {}): Promise<TestRedisCluster> {
  const { primaries = 3, replicasEach = 1 } = options;
  const nodes = await Promise.all(Array.from({ length: primaries * (1 + replicasEach) }, () => startNode(options)));
  await Promise.all(
    nodes.map(async (node, at) => {
      await admin(node.port, 'CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
      if (at >= primaries) return;
      const [from, to] = [at, at + 1].map((n) => Math.round((n * SLOTS) / primaries)) as [number, number];
      const slots = Array.from({ length: to - from }, (_, n) => from + n);
      await admin(node.port, 'CLUSTER', 'ADDSLOTS', ...slots);
    }),
  );
  // Everybody is introduced to everybody: waiting for gossip would take seconds.
  const introductions = nodes.flatMap((node) =>
    nodes
      .filter((other) => other !== node)
      .map((other) => admin(node.port, 'CLUSTER', 'MEET', '127.0.0.1', other.port)),
  );
  await Promise.all(introductions);
  for (const [at, replica] of nodes.slice(primaries).entries()) {
    const primary = nodes[at % primaries] as TestClusterNode;
    await until(`${replica.url} replicates ${primary.url}`, async () => {
      await admin(replica.port, 'CLUSTER', 'REPLICATE', primary.id);
      return true;
    });
  }
  const cluster = new TestRedisCluster(nodes, replicasEach);
  await cluster.untilWhole();
  return cluster;
}
