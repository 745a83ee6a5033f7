/**
 * A Redis Cluster: a link to each of its primaries, and a map that says which of them has a key.
 *
 * Invariants
 * 1. Each primary is reached over a ServerLink, whose invariants hold here for each: nothing waits for a node that is
 *    away, every command has its deadline, scripts carry theirs in the clock of the node that runs them.
 * 2. What can be asked for is decided slot by slot. A node that is away takes its own slots with it and no others.
 * 3. MOVED and ASK mean that nothing was executed. The command, scripts included, goes once to where it was sent, within
 *    what is left of its deadline. A second redirection, TRYAGAIN, CLUSTERDOWN and a slot that nobody is known to serve
 *    are trouble `away`: callers go to their origin, and nobody waits for a cluster that rearranges itself.
 * 4. A primary that took slots over from one that is gone may lack what that one acknowledged. It is held and recovered
 *    like a server that was restarted before anything of its slots is read; the other nodes stay in use.
 * 5. Slots that move in good order between living primaries lose nothing: there is no hold, and callers notice nothing
 *    but one more round trip.
 */
import calculateSlot from 'cluster-key-slot';
import type { Redis } from 'ioredis';
import { ClusterScout, type ScoutSettings } from './cluster-scout.js';
import { type ClusterView, hostOf, mergeViews, portOf } from './cluster-view.js';
import { refusal, RedisUnavailableError } from './errors.js';
import type { Values } from './gathered-reads.js';
import { LinkBase } from './link-base.js';
import type {
  LinkState,
  LinkTimes,
  RecoveringPart,
  RecoveryRun,
  RedisLink,
  RedisNode,
  ScriptArgument,
} from './link.js';
import { destinationIn, redirectionIn } from './redirection.js';
import { afterAsking } from './script-call.js';
import type { Script } from './script.js';
import type { SendHow } from './server-connection.js';
import { ServerLink } from './server-link.js';
import { SlotMap } from './slot-map.js';

export type ClusterSettings = LinkTimes & ScoutSettings;

/**
 * How often the map is looked at when something is missing, and how long at least from one look to the next. When all is
 * well it is looked at with every heartbeat, because every process must notice a failover within the others' hold.
 */
const LOOK_AGAIN_MS = 200;
/** With less time than this left, a redirected command could only be too late. */
const LEAST_MS = 100;

type Send<T> = (node: ServerLink, how?: SendHow) => Promise<T>;

export class ClusterLink extends LinkBase implements RedisLink {
  readonly #settings: ClusterSettings;
  readonly #scout: ClusterScout;
  readonly #map = new SlotMap<ServerLink>((address) => this.#nodeAt(address));
  /** Why nothing is known of the cluster. */
  #lookError = 'not connected yet';
  #looking = false;
  #lookAgain = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: ClusterSettings) {
    super(settings);
    this.#settings = settings;
    this.#scout = new ClusterScout(settings, (work) => this.within(work));
  }

  get clustered(): boolean {
    return true;
  }

  get lastError(): string | null {
    if (this.up) return null;
    if (!this.#map.known) return this.#lookError;
    const away = this.nodes().find((node) => !node.up && this.#map.owns(node));
    return away === undefined ? 'slots are served by no node' : `${this.#map.addressOf(away)}: ${away.lastError}`;
  }

  open(): this {
    if (!this.#map.known) this.#lookSoon();
    return this;
  }

  upFor(key: string): boolean {
    return this.#map.ownerOf(calculateSlot(key))?.up ?? false;
  }

  now(key?: string): number {
    const node = key === undefined ? this.#anyNode() : this.#map.ownerOf(calculateSlot(key));
    return node?.now() ?? Date.now();
  }

  readAt<T>(key: string, send: (client: Redis) => Promise<T>): Promise<T> {
    return this.#routed(calculateSlot(key), (node, how) => readOn(node, send, how));
  }

  /** Each slot's keys by an MGET of their own; all of one turn go to their node in one pipeline. */
  async readStrings(own: readonly string[], common: readonly string[] = []): Promise<Values> {
    const keys = common.length === 0 ? own : [...own, ...common];
    const bySlot = Map.groupBy(keys, (key) => calculateSlot(key));
    if (bySlot.size === 1) return this.#readSlot(bySlot.keys().next().value as number, keys);
    const found = new Map<string, Buffer | null>();
    await Promise.all(
      [...bySlot].map(async ([slot, its]) => {
        const values = await this.#readSlot(slot, its);
        for (const [at, key] of its.entries()) found.set(key, values[at] ?? null);
      }),
    );
    return keys.map((key) => found.get(key) ?? null);
  }

  readStringsOfEach(
    entries: readonly (readonly string[])[],
    common: readonly string[] = [],
  ): Promise<readonly Values[]> {
    return Promise.all(entries.map((keys) => this.readStrings(keys, common)));
  }

  run(script: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    const [first] = keys;
    // A mistake in the calling code: nobody could say on which node it is to run.
    if (first === undefined) return Promise.reject(new RangeError(`${script.name} has no key: run it by onEachNode`));
    return this.#routed(calculateSlot(first), (node, how) => node.run(script, keys, args, how));
  }

  tellChangesAt(): void {
    // Nobody could be told: see RedisLink.
  }

  nodes(): readonly ServerLink[] {
    return this.#map.nodes;
  }

  async onEachNode(visit: (node: RedisNode) => Promise<void>): Promise<void> {
    // A key that leaves a node before it is visited, for one that was visited already, is met the second time.
    for (let round = 1; round <= 2; round += 1) {
      const moving = await this.#survey();
      const { changes } = this.#map;
      if (!this.up) throw this.away();
      for (const node of this.nodes()) await visit(node);
      if (!(await this.#survey()) && !moving && changes === this.#map.changes) return;
    }
  }

  dedicatedClient(purpose: string): Redis {
    const node = this.#anyNode();
    if (node === undefined) throw this.away();
    const client = node.dedicatedClient(purpose);
    const endWithNode = (state: LinkState): void => {
      if (state === 'down' || state === 'closed') client.disconnect(false);
    };
    node.on('state', endWithNode);
    client.once('end', () => node.off('state', endWithNode));
    return client;
  }

  async close(): Promise<void> {
    this.become('closed', 'closed');
    clearTimeout(this.#timer);
    await Promise.all(this.nodes().map((node) => node.close()));
  }

  #anyNode(): ServerLink | undefined {
    const up = this.nodes().filter((node) => node.up);
    return up[Math.floor(Math.random() * up.length)];
  }

  #routed<T>(slot: number, send: Send<T>, withinMs = this.#settings.commandTimeoutMs): Promise<T> {
    const owner = this.#map.ownerOf(slot);
    if (owner === undefined) return Promise.reject(this.away(`nobody is known to serve slot ${slot}`));
    const began = performance.now();
    return send(owner).catch((error: unknown) =>
      this.#redirected(error, owner, send, withinMs - (performance.now() - began)),
    );
  }

  async #redirected<T>(error: unknown, from: ServerLink, send: Send<T>, withinMs: number): Promise<T> {
    const redirection = redirectionIn(error);
    if (redirection === null) throw error;
    const to = destinationIn(redirection);
    const node = to === undefined ? undefined : this.#map.follow(to, from);
    if (node === undefined || redirection.kind === 'moved') this.#lookSoon();
    if (node === undefined || withinMs < LEAST_MS) throw this.away(error);
    return send(node, { withinMs, asking: redirection.kind === 'ask' }).catch((second: unknown) => {
      throw redirectionIn(second) === null ? second : this.away(second);
    });
  }

  #readSlot(slot: number, keys: readonly string[]): Promise<Values> {
    const mget = (wanted: readonly string[]): Send<Values> => {
      return (node, how) =>
        how === undefined ? node.readStrings(wanted) : readOn(node, (client) => client.mgetBuffer([...wanted]), how);
    };
    const began = performance.now();
    return this.#routed(slot, mget(keys)).catch(async (error: unknown) => {
      const apart = error instanceof RedisUnavailableError && redirectionIn(error.cause)?.kind === 'apart';
      if (keys.length === 1 || !apart) throw refusal(error, this.name);
      // The slot is on its way, and a key that does not exist is nowhere: alone, each is found. A value and a sidecar that
      // were not read at one moment are told apart by the fingerprint.
      const withinMs = this.#settings.commandTimeoutMs - (performance.now() - began);
      const values = await Promise.all(keys.map((key) => this.#routed(slot, mget([key]), withinMs)));
      return values.map(([value]) => value ?? null);
    });
  }

  #nodeAt(address: string): ServerLink {
    const { name, connection } = this.#settings;
    const node = new ServerLink({
      ...this.#settings,
      name: `${name}@${address}`,
      connection: { ...connection, host: hostOf(address), port: portOf(address) },
      database: 0,
    });
    node.onRecovery(async (run) => {
      const part: RecoveringPart = {
        whole: false,
        covers: (key) => this.#map.ownerOf(calculateSlot(key)) === node,
      };
      await this.recover(this.#recoveryRun(run), part);
    });
    node.on('state', (_state, reason) => {
      this.#settle(`${address}: ${reason}`);
      if (!node.up) this.#lookSoon();
    });
    return node;
  }

  /** A slot that is on its way, or has just left, is not recovered with the node. */
  #recoveryRun(run: RecoveryRun): RecoveryRun {
    return (script, keys, args) =>
      run(script, keys, args).catch((error: unknown) => {
        const redirection = redirectionIn(error);
        if (redirection === null || redirection.kind === 'down') throw error;
        this.#lookSoon();
        throw this.away(error);
      });
  }

  #settle(reason: string): void {
    if (this.#map.everyOwner((node) => node.up)) this.become('up', 'ready');
    else if (this.up) this.become('down', reason);
  }

  /** Asks every node, and tells whether any has slots on their way. */
  async #survey(): Promise<boolean> {
    const views = await Promise.all(this.nodes().map((node) => this.#scout.viewOf(node, this.#map.addressOf(node))));
    const view = mergeViews(views);
    this.#learn(view);
    return view.moving;
  }

  #lookSoon(): void {
    if (this.isClosed()) return;
    if (this.#looking) this.#lookAgain = true;
    else this.#lookIn(Math.max(0, this.#lookedAt + LOOK_AGAIN_MS - performance.now()));
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  /** Never rejects: what goes wrong is said by `lastError`, and is tried again. */
  async #look(): Promise<void> {
    this.#looking = true;
    this.#lookAgain = false;
    try {
      const up = this.nodes().filter((node) => node.up);
      const connected = new Map(up.map((node) => [this.#map.addressOf(node), node]));
      const view = await this.#scout.look(connected, this.#map.addresses);
      this.#learn(view);
    } catch (error) {
      this.#lookError = error instanceof Error ? error.message : String(error);
    }
    this.#looking = false;
    this.#lookedAt = performance.now();
    if (this.isClosed()) return;
    const soon = this.#lookAgain || !this.up;
    this.#lookIn(soon ? LOOK_AGAIN_MS : Math.max(LOOK_AGAIN_MS, this.#settings.heartbeatMs));
  }

  #learn(view: ClusterView): void {
    if (this.isClosed()) return;
    const { added, removed, successors } = this.#map.apply(view);
    for (const node of successors) node.distrust('it took over from another node');
    for (const node of removed) void node.close();
    if (added.length > 0 || removed.length > 0) this.emit('nodes', added, removed);
    for (const node of added) node.open();
    this.#settle('slots changed hands');
  }
}

function readOn<T>(node: ServerLink, send: (client: Redis) => Promise<T>, how?: SendHow): Promise<T> {
  if (how === undefined) return node.read(send);
  return node.read((client) => (how.asking ? afterAsking(client, () => send(client)) : send(client)), how.withinMs);
}
