import { Command, type Redis } from 'ioredis';
import type { RedisNode } from '../redis/link.js';
import { runIdIn } from '../redis/handshake.js';
import type { ChangeListener, FeedProtocol } from './change-feed.js';

/**
 * One connection on which a server tells which keys of some beginnings change, whoever changes them and in whichever
 * database.
 *
 * Invariants
 * 1. The connection subscribes to `__redis__:invalidate` and is itself where its tracking is redirected to. So tracking
 *    cannot outlive the subscription nor be lost without it, and nothing but the end of the connection ends either.
 * 2. A beat is two PINGs, the second sent when the first is answered. Redis sends the messages of a turn of its
 *    event loop at that turn's end, but behind the answers of the turn; so the second answer comes behind the messages
 *    of the first one's turn, and with it everything has been handed on that was changed before the first was sent.
 * 3. FLUSHDB and FLUSHALL, which name no keys, empty everything.
 * 4. It tells of the very server that the link reads from: same run id, and a link that goes down takes it along. A node
 *    of a cluster has to say with each beat that its cluster is well: one that was cut off from it still answers PING.
 */
const CHANNEL = '__redis__:invalidate';

export class Tracking implements FeedProtocol {
  readonly working = 'tracking';
  readonly purpose = 'tracking';
  readonly #link: RedisNode;
  readonly #roots: readonly string[];
  #clustered = false;

  constructor(link: RedisNode, roots: readonly string[]) {
    this.#link = link;
    this.#roots = roots;
  }

  async begin(client: Redis, listener: ChangeListener): Promise<void> {
    client.on('messageBuffer', (_channel: Buffer, keys: unknown) => {
      if (keys === null) listener.emptied('flushed');
      else for (const key of keys as readonly Buffer[]) listener.changed(key.toString());
    });
    const info = await this.#link.within(client.info('server'));
    if (runIdIn(info) !== this.#link.runId) throw new Error('the link reads from another server');
    this.#clustered = /^redis_mode:cluster/m.test(info);
    const id = await this.#link.within(client.call('CLIENT', 'ID'));
    const prefixes = this.#roots.flatMap((root) => ['PREFIX', root]);
    await this.#link.within(client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', ...prefixes));
    await this.#link.within(client.subscribe(CHANNEL));
  }

  async beat(client: Redis): Promise<void> {
    await ping(client);
    await ping(client);
    if (!this.#clustered) return;
    const info = await this.#link.read<unknown>((reader) => reader.cluster('INFO'));
    if (!String(info).includes('cluster_state:ok')) throw new Error('the server is cut off from its cluster');
  }
}

/** Not by ioredis's own method, which would keep it for a pipeline until the next turn of the event loop. */
function ping(client: Redis): Promise<unknown> {
  return client.sendCommand(new Command('ping', [])) as Promise<unknown>;
}
