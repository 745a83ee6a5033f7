import { Redis, type RedisOptions } from 'ioredis';
import { clientOptions } from './client-options.js';
import { hostOf, isWhole, mergeViews, parseClusterNodes, portOf, type ClusterView } from './cluster-view.js';
import type { RedisNode } from './link.js';

export interface ScoutSettings {
  readonly name: string;
  /** `host:port` of nodes to begin from; the others are learnt. */
  readonly seeds: readonly string[];
  /** How to connect to each node: TLS and credentials. Never logged. */
  readonly connection: RedisOptions;
  readonly connectTimeoutMs: number;
}

/** How many nodes one look asks. */
const ASKED_AT_ONCE = 3;

/** Finds out who serves which slots, from nodes that we are connected to, else from any that was ever named. */
export class ClusterScout {
  readonly #settings: ScoutSettings;
  readonly #within: <T>(work: Promise<T>) => Promise<T>;

  constructor(settings: ScoutSettings, within: <T>(work: Promise<T>) => Promise<T>) {
    this.#settings = settings;
    this.#within = within;
  }

  /** @throws Error when nobody answers */
  async look(connected: ReadonlyMap<string, RedisNode>, addresses: readonly string[]): Promise<ClusterView> {
    const views = await answers(sample([...connected]).map(([address, node]) => this.viewOf(node, address)));
    const view = mergeViews(views);
    if (isWhole(view)) return view;
    const strangers = [...new Set([...this.#settings.seeds, ...addresses])].filter((one) => !connected.has(one));
    views.push(...(await answers(sample(strangers).map((address) => this.#viewFrom(address)))));
    if (views.length === 0) throw new Error('no node of the cluster answers');
    return mergeViews(views);
  }

  async viewOf(node: RedisNode, address: string): Promise<ClusterView> {
    return parseClusterNodes(String(await node.read((client) => client.cluster('NODES'))), address);
  }

  async #viewFrom(address: string): Promise<ClusterView> {
    const connection = { ...this.#settings.connection, host: hostOf(address), port: portOf(address) };
    const client = new Redis(clientOptions({ ...this.#settings, connection }));
    // Told by what `connect` rejects with.
    client.on('error', () => undefined);
    try {
      await this.#within(client.connect());
      return parseClusterNodes(String(await this.#within(client.cluster('NODES'))), address);
    } finally {
      client.disconnect(false);
    }
  }
}

async function answers<T>(asked: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(asked);
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

function sample<T>(all: readonly T[]): T[] {
  const shuffled = all.map((one) => ({ one, at: Math.random() })).toSorted((a, b) => a.at - b.at);
  return shuffled.slice(0, ASKED_AT_ONCE).map(({ one }) => one);
}
