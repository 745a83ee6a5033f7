import type { Redis } from 'ioredis';
import { RedisUnavailableError } from '../redis/errors.js';
import type { LinkState, RedisNode } from '../redis/link.js';
import type { ChangeFeed, FeedListener, FeedProtocol, FeedState } from './change-feed.js';
import type { L1Settings } from './settings.js';

/**
 * One connection on which one server's changes are told, whatever the protocol.
 *
 * Invariants
 * 1. A beat of the protocol keeps `trustedUntil` ahead: it is reckoned from the moment before the beat was sent.
 * 2. The end of the connection (Redis ends one that does not keep up) empties what was built on it, at once, and so does
 *    an end of the link that reads from the server.
 * 3. Time is this process's monotonic clock, so a process that was stopped wakes up untrusting.
 */
const RECONNECT_MS = 100;
/**
 * So many bounds without an answer, and the connection is given up. Counted in turns of the timer: after a time in which
 * this process was stopped its answers are there, and only have to be read.
 */
const SILENT_BOUNDS = 3;

export class FeedConnection implements ChangeFeed {
  trustedUntil = Number.NEGATIVE_INFINITY;
  readonly #link: RedisNode;
  readonly #protocol: FeedProtocol;
  readonly #settings: L1Settings;
  readonly #listener: FeedListener;
  readonly #now: () => number;
  #state: FeedState = 'waiting';
  #reason: string | null = null;
  #client: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    link: RedisNode,
    protocol: FeedProtocol,
    settings: L1Settings,
    listener: FeedListener,
    now: () => number = () => performance.now(),
  ) {
    this.#link = link;
    this.#protocol = protocol;
    this.#settings = settings;
    this.#listener = listener;
    this.#now = now;
    link.on('state', this.#linkChanged);
    if (link.up) this.#connect();
  }

  get state(): FeedState {
    return this.#state;
  }

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
    const client = this.#link.dedicatedClient(this.#protocol.purpose);
    this.#client = client;
    client.on('error', (error: Error) => {
      this.#reason = error.message;
    });
    client.once('end', () => this.#lost(client, this.#reason ?? 'the connection ended'));
    this.#begin(client).then(
      () => this.#beatAgain(client),
      (error: unknown) => this.#lost(client, textOf(error), isRefusal(error)),
    );
  }

  async #begin(client: Redis): Promise<void> {
    await this.#link.within(client.connect());
    await this.#protocol.begin(client, {
      changed: (key) => {
        if (this.#client === client) this.#listener.changed(key);
      },
      emptied: (why) => {
        if (this.#client === client) this.#listener.emptied(why);
      },
    });
    await this.#link.within(this.#beat(client));
    if (this.#client !== client) return;
    this.#state = this.#protocol.working;
    this.#reason = null;
    this.#listener.weighed();
  }

  #beatAgain(client: Redis): void {
    if (this.#client !== client) return;
    const { beatMs, boundMs } = this.#settings;
    let waitedMs = 0;
    let answered = false;
    this.#beat(client).then(
      () => {
        answered = true;
      },
      (error: unknown) => this.#lost(client, textOf(error)),
    );
    this.#timer = setInterval(() => {
      waitedMs += beatMs;
      if (answered) {
        clearInterval(this.#timer);
        this.#beatAgain(client);
      } else if (waitedMs > SILENT_BOUNDS * boundMs) {
        this.#lost(client, `no answer on the ${this.#protocol.purpose} connection`);
      }
    }, beatMs);
    this.#timer.unref();
  }

  async #beat(client: Redis): Promise<void> {
    const sentAt = this.#now();
    await this.#protocol.beat(client);
    if (this.#client !== client) return;
    this.trustedUntil = sentAt + this.#settings.boundMs;
    this.#listener.weighed();
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

  #end(state: FeedState, reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#reason = reason;
    clearTimeout(this.#timer);
    this.trustedUntil = Number.NEGATIVE_INFINITY;
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) {
      if (client.status !== 'end') client.disconnect(false);
      this.#listener.emptied('connection_lost');
    }
    this.#listener.weighed();
  }
}

/** The server answers, and it says no: a proxy in between, a rule of its access list, or a Redis that is too old. */
function isRefusal(error: unknown): boolean {
  if (error instanceof RedisUnavailableError) return error.trouble === 'refused';
  return error instanceof Error && error.name === 'ReplyError';
}

function textOf(error: unknown): string {
  return String(error instanceof RedisUnavailableError && error.cause instanceof Error ? error.cause : error);
}
