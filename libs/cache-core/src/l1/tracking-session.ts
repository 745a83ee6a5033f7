import { Command, type Redis } from 'ioredis';
import type { LinkState, RedisNode } from '../redis/link.js';
import { runIdIn } from '../redis/handshake.js';
import type { L1Settings } from './settings.js';

/**
 * One connection on which a server tells which keys of some beginnings change, whoever changes them and in whichever
 * database.
 *
 * Invariants
 * 1. The connection subscribes to `__redis__:invalidate` and is itself where its tracking is redirected to. So tracking
 *    cannot outlive the subscription nor be lost without it, and nothing but the end of the connection ends either.
 * 2. `trustedUntil` is a time T such that every change which Redis made before T − bound has been handed on. A beat
 *    keeps it ahead: two PINGs, the second sent when the first is answered. Redis sends the messages of a turn of its
 *    event loop at that turn's end, but behind the answers of the turn; so the second answer comes behind the messages
 *    of the first one's turn, and with it everything has been handed on that was changed before the first was sent.
 * 3. Whatever may mean that messages were missed empties what was built on them, at once: the end of the connection
 *    (Redis ends one that does not keep up), FLUSHDB and FLUSHALL (which name no keys).
 * 4. It tells of the very server that the link reads from: same run id, and a link that goes down takes it along. A node
 *    of a cluster has to say with each beat that its cluster is well: one that was cut off from it still answers PING.
 * 5. Time is this process's monotonic clock, so a process that was stopped wakes up untrusting.
 */
export interface TrackingListener {
  changed(key: string): void;
  /** Nothing that was read before is known to be what Redis holds. */
  emptied(why: Emptied): void;
}

export interface SessionListener extends TrackingListener {
  /** `trustedUntil` is another one. */
  weighed(): void;
}

export type Emptied = 'flushed' | 'connection_lost' | 'servers_changed';
export type TrackingState = 'waiting' | 'connecting' | 'tracking' | 'refused' | 'closed';

const CHANNEL = '__redis__:invalidate';
const RECONNECT_MS = 100;
/** So many bounds without an answer, and the connection is given up. */
const SILENT_BOUNDS = 3;

export class TrackingSession {
  /** By the monotonic clock, in milliseconds. */
  trustedUntil = Number.NEGATIVE_INFINITY;
  readonly #link: RedisNode;
  readonly #roots: readonly string[];
  readonly #settings: L1Settings;
  readonly #listener: SessionListener;
  readonly #now: () => number;
  #state: TrackingState = 'waiting';
  #reason: string | null = null;
  #client: Redis | undefined;
  #clustered = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    link: RedisNode,
    roots: readonly string[],
    settings: L1Settings,
    listener: SessionListener,
    now: () => number = () => performance.now(),
  ) {
    this.#link = link;
    this.#roots = roots;
    this.#settings = settings;
    this.#listener = listener;
    this.#now = now;
    link.on('state', this.#linkChanged);
    if (link.up) this.#connect();
  }

  get state(): TrackingState {
    return this.#state;
  }

  /** Why there is no tracking at present; null while there is. */
  get reason(): string | null {
    return this.#reason;
  }

  close(): void {
    this.#link.off('state', this.#linkChanged);
    this.#end('closed', 'closed');
  }

  readonly #linkChanged = (state: LinkState): void => {
    if (state === 'up') this.#connect();
    else if (state === 'closed') this.close();
    else this.#end('waiting', `the link is ${state}`);
  };

  #connect(): void {
    clearTimeout(this.#timer);
    if (this.#client !== undefined) return;
    this.#state = 'connecting';
    const client = this.#link.dedicatedClient('tracking');
    this.#client = client;
    client.on('error', (error: Error) => {
      this.#reason = error.message;
    });
    client.once('end', () => this.#lost(client, this.#reason ?? 'the connection ended'));
    client.on('messageBuffer', (_channel: Buffer, keys: unknown) => this.#told(client, keys));
    this.#track(client).then(
      () => this.#beatAgain(client),
      (error: unknown) => this.#lost(client, String(error), isRefusal(error)),
    );
  }

  async #track(client: Redis): Promise<void> {
    await this.#link.within(client.connect());
    const info = await this.#link.within(client.info('server'));
    if (runIdIn(info) !== this.#link.runId) throw new Error('the link reads from another server');
    this.#clustered = /^redis_mode:cluster/m.test(info);
    const id = await this.#link.within(client.call('CLIENT', 'ID'));
    const prefixes = this.#roots.flatMap((root) => ['PREFIX', root]);
    await this.#link.within(client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', ...prefixes));
    await this.#link.within(client.subscribe(CHANNEL));
    await this.#link.within(this.#beat(client));
    if (this.#client !== client) return;
    this.#state = 'tracking';
    this.#reason = null;
  }

  #beatAgain(client: Redis): void {
    if (this.#client !== client) return;
    const sentAt = this.#now();
    let answered = false;
    this.#beat(client).then(
      () => {
        answered = true;
      },
      (error: unknown) => this.#lost(client, String(error)),
    );
    this.#timer = setInterval(() => {
      if (answered) {
        clearInterval(this.#timer);
        this.#beatAgain(client);
      } else if (this.#now() - sentAt > SILENT_BOUNDS * this.#settings.boundMs) {
        this.#lost(client, 'no answer on the tracking connection');
      }
    }, this.#settings.beatMs);
    this.#timer.unref();
  }

  async #beat(client: Redis): Promise<void> {
    const sentAt = this.#now();
    await ping(client);
    await ping(client);
    if (this.#clustered) {
      const info = await this.#link.read<unknown>((reader) => reader.cluster('INFO'));
      if (!String(info).includes('cluster_state:ok')) throw new Error('the server is cut off from its cluster');
    }
    if (this.#client !== client) return;
    this.trustedUntil = sentAt + this.#settings.boundMs;
    this.#listener.weighed();
  }

  #told(client: Redis, keys: unknown): void {
    if (this.#client !== client) return;
    if (keys === null) this.#listener.emptied('flushed');
    else for (const key of keys as readonly Buffer[]) this.#listener.changed(key.toString());
  }

  #lost(client: Redis, reason: string, refused = false): void {
    if (this.#client !== client) return;
    this.#end(refused ? 'refused' : 'waiting', reason);
    const { retryRefusedMs } = this.#settings;
    this.#timer = setTimeout(
      () => {
        // Without its link there is nothing to read; the link's own return begins the session anew.
        if (this.#link.up) this.#connect();
      },
      refused ? retryRefusedMs : RECONNECT_MS,
    );
    this.#timer.unref();
  }

  #end(state: TrackingState, reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#reason = reason;
    clearTimeout(this.#timer);
    this.trustedUntil = Number.NEGATIVE_INFINITY;
    this.#listener.weighed();
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    if (client.status !== 'end') client.disconnect(false);
    this.#listener.emptied('connection_lost');
  }
}

/** Not by ioredis's own method, which would keep it for a pipeline until the next turn of the event loop. */
function ping(client: Redis): Promise<unknown> {
  return client.sendCommand(new Command('ping', [])) as Promise<unknown>;
}

/** The server answers, and it says no: a proxy in between, a rule of its access list, or a Redis before 6.0. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
