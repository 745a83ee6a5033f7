import { EventEmitter } from 'node:events';
import { Redis } from 'ioredis';
import { type ClientSettings, clientOptions } from './client-options.js';
import { RedisClock, timeReplyToMs } from './clock.js';
import { Deadlines } from './deadlines.js';
import { RedisUnavailableError } from './errors.js';
import { GatheredReads, mget, type Values } from './gathered-reads.js';
import {
  type LinkEvents,
  type LinkState,
  type LinkTimes,
  type RecoveringPart,
  type RecoveryRun,
  type RecoveryStep,
  type RedisNode,
  type ScriptArgument,
} from './link.js';
import { afterAsking, callScript, sendAsText } from './script-call.js';
import { loadedScripts, type Script } from './script.js';
import { untilUp } from './until-up.js';

/**
 * One connection to Redis that never makes anybody wait for long.
 *
 * Invariants
 * 1. A command is sent only in state `up`, or by a recovery step. In every other state callers are refused at once, so
 *    a Redis that is gone costs no request anything after the first few.
 * 2. Every command has a deadline (see Deadlines). Two time-outs in a row with no reply between them take the link
 *    down: swallowed errors count, whoever swallows them.
 * 3. A connection is used once. When it breaks or is given up, everything pending on it is rejected and a new client is
 *    made: nothing is queued offline, nothing is sent twice.
 * 4. Every script carries a deadline by Redis's clock, a little before the caller's own. A command that was rejected to
 *    its caller therefore does not take effect later, even when a frozen server thaws and finds it in its socket.
 * 5. After an interruption the link is `up` only when all recovery steps (replay of invalidations) have succeeded.
 *    When the server itself was restarted or replaced, every process replays what the server may have lost at once, and
 *    then waits `holdAfterRestartMs`: what the others replay is in place before anybody reads, as long as they notice
 *    within that time. What came in while it waited is replayed after it.
 */
export interface LinkSettings extends LinkTimes, ClientSettings {
  readonly database: number;
}

/** How a command is sent that another node has redirected. */
export interface SendHow {
  /** What is left of the caller's time; it is not sent again when that was too little. */
  readonly withinMs: number;
  /** For a slot that this server is only receiving. */
  readonly asking: boolean;
}

const TIMEOUTS_THAT_TAKE_IT_DOWN = 2;
/** How far a script's deadline lies before the caller's own: bounds the error of the clock estimate. */
const DEADLINE_MARGIN_MS = 50;
const RECONNECT_MS = { first: 50, most: 500 } as const;

export class ServerLink extends EventEmitter<LinkEvents> implements RedisNode {
  readonly #clock = new RedisClock();
  readonly #settings: LinkSettings;
  readonly #deadlines = new Deadlines();
  readonly #gathered = new GatheredReads((keys) => this.read((client) => mget(client, keys)));
  readonly #recoverySteps = new Set<RecoveryStep>();
  #client: Redis | undefined;
  #state: LinkState = 'connecting';
  #database: number;
  #runId: string | undefined;
  #distrusted = false;
  /** The server is a node of a cluster: one command cannot name keys of several slots. */
  #clustered = false;
  #timeoutsInARow = 0;
  #attempts = 0;
  #lastError = 'not connected yet';
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: LinkSettings) {
    super();
    this.setMaxListeners(50);
    this.#settings = settings;
    this.#database = settings.database;
  }

  get name(): string {
    return this.#settings.name;
  }

  get state(): LinkState {
    return this.#state;
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  get runId(): string | undefined {
    return this.#runId;
  }

  /** The database in use: 0 where the server refuses SELECT. */
  get database(): number {
    return this.#database;
  }

  get clustered(): boolean {
    return this.#clustered;
  }

  /** Why the link is not up, for health reports. Holds no credentials. */
  get lastError(): string | null {
    return this.#state === 'up' ? null : this.#lastError;
  }

  /** Begins to connect, and goes on trying until `close`. */
  open(): this {
    if (this.#client === undefined && this.#state !== 'closed') this.#connect();
    return this;
  }

  untilUp(withinMs: number): Promise<void> {
    return untilUp(this, withinMs);
  }

  upFor(): boolean {
    return this.up;
  }

  onRecovery(step: RecoveryStep): () => void {
    this.#recoverySteps.add(step);
    return () => this.#recoverySteps.delete(step);
  }

  nodes(): readonly [this] {
    return [this];
  }

  onEachNode(visit: (node: this) => Promise<void>): Promise<void> {
    return visit(this);
  }

  readAt<T>(_key: string, send: (client: Redis) => Promise<T>): Promise<T> {
    return this.read(send);
  }

  read<T>(send: (client: Redis) => Promise<T>, timeoutMs = this.#settings.commandTimeoutMs): Promise<T> {
    if (this.#state !== 'up' || this.#client === undefined) return Promise.reject(this.#away());
    const first = this.#guarded(this.#client, send(this.#client), timeoutMs);
    if (!this.#settings.retryReads) return first;
    return first.catch((error: unknown) => {
      const again = error instanceof RedisUnavailableError && error.trouble === 'timeout' && this.up && this.#client;
      if (!again) throw error;
      return this.#guarded(again, send(again), timeoutMs);
    });
  }

  /** Reads of one turn of the event loop share a command: a quarter less processor time for a hit. */
  readStrings(keys: readonly string[]): Promise<Values> {
    return this.#clustered ? this.read((client) => client.mgetBuffer([...keys])) : this.#gathered.read(keys);
  }

  run(script: Script, keys: readonly string[], args: readonly ScriptArgument[], how?: SendHow): Promise<unknown> {
    if (this.#state !== 'up' || this.#client === undefined) return Promise.reject(this.#away());
    const first = this.#runOn(this.#client, script, keys, args, how);
    if (how !== undefined) return first;
    return first.catch((error: unknown) => {
      // Either side was too busy for the deadline. Nothing has run, so once more is safe.
      const again = error instanceof RedisUnavailableError && error.trouble === 'expired' && this.up && this.#client;
      if (!again) throw error;
      return this.#runOn(again, script, keys, args);
    });
  }

  untilScriptsExpire(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#settings.commandTimeoutMs));
  }

  within<T>(work: Promise<T>): Promise<T> {
    return this.#deadlines.race(
      work,
      this.#settings.commandTimeoutMs,
      () => new RedisUnavailableError('timeout', this.name),
    );
  }

  now(): number {
    return this.#clock.now();
  }

  timeAt(monotonic: number): number {
    return this.#clock.at(monotonic);
  }

  /**
   * What this server had acknowledged may be unknown to it: it took over from another. It is held and recovered as
   * after a restart.
   */
  distrust(reason: string): void {
    this.#distrusted = true;
    if (this.#client !== undefined) this.#giveUp(this.#client, reason);
  }

  dedicatedClient(purpose: string): Redis {
    if (!this.up) throw this.#away();
    return new Redis({
      ...clientOptions(this.#settings),
      connectionName: `promptsales:${this.name}:${purpose}`,
      db: this.#database,
    });
  }

  async close(): Promise<void> {
    this.#become('closed', 'closed');
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    if (client.status === 'end') return;
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.disconnect(false);
    await ended;
  }

  #connect(): void {
    const client = new Redis(clientOptions(this.#settings));
    for (const { name, lua } of loadedScripts()) client.defineCommand(name, { lua });
    this.#client = client;
    client.on('error', (error: Error) => {
      this.#lastError = error.message;
    });
    client.once('end', () => this.#giveUp(client, this.#lastError));
    // ioredis bounds the connecting alone, and then waits for the first answer for as long as it takes.
    const { connectTimeoutMs, commandTimeoutMs } = this.#settings;
    const silent = (): Error => new RedisUnavailableError('timeout', this.name, { cause: 'connected, but no reply' });
    this.#deadlines.race(client.connect(), connectTimeoutMs + commandTimeoutMs, silent).then(
      () => this.#begin(client),
      (error: Error) => this.#giveUp(client, error.message),
    );
  }

  /** From a fresh connection to `up`: select, learn the clock and who the server is, recover what must be recovered. */
  async #begin(client: Redis): Promise<void> {
    try {
      await this.#select(client);
      // The next server may have another clock.
      this.#clock.reset();
      await this.#readClock(client);
      const info = await this.#guarded(client, client.info('server'), this.#settings.commandTimeoutMs);
      const runId = runIdIn(info);
      this.#clustered = /^redis_mode:cluster/m.test(info);
      if (this.#clustered) await this.#mustServe(client);
      if ('sentinels' in this.#settings.connection) await this.#mustBePrimary(client);
      const replaced = this.#distrusted || (this.#runId !== undefined && runId !== this.#runId);
      this.#become('recovering', replaced ? 'the server was restarted or replaced' : 'connected');
      if (replaced) {
        await this.#recover(client);
        await new Promise((resolve) => setTimeout(resolve, this.#settings.holdAfterRestartMs));
      }
      await this.#recover(client);
      if (this.#client !== client) return;
      this.#runId = runId;
      this.#distrusted = false;
      this.#attempts = 0;
      this.#timeoutsInARow = 0;
      this.#become('up', 'ready');
      this.#beat(client);
    } catch (error) {
      this.#giveUp(client, error instanceof Error ? error.message : String(error));
    }
  }

  async #recover(client: Redis): Promise<void> {
    const run: RecoveryRun = (script, keys, args) => this.#runOn(client, script, keys, args);
    for (const step of this.#recoverySteps) await step(run, WHOLE);
  }

  async #select(client: Redis): Promise<void> {
    if (this.#database === 0) return;
    try {
      await this.#guarded(client, client.select(this.#database), this.#settings.commandTimeoutMs);
    } catch (error) {
      if (error instanceof RedisUnavailableError || !/\bDB index\b|SELECT is not allowed/i.test(String(error)))
        throw error;
      // Only database 0 exists here (Redis Cluster, some hosted servers). The keyspace has no two patterns that meet.
      this.#database = 0;
    }
  }

  /** A node refuses everything until it has seen enough of its cluster. The hold is to begin when that is over. */
  async #mustServe(client: Redis): Promise<void> {
    const info = await this.#guarded(client, client.cluster('INFO'), this.#settings.commandTimeoutMs);
    if (info.includes('cluster_state:fail')) throw new Error('the node does not serve: its cluster is down');
  }

  /** Sentinels may name one that has just been demoted, or is not promoted yet. */
  async #mustBePrimary(client: Redis): Promise<void> {
    const info = await this.#guarded(client, client.info('replication'), this.#settings.commandTimeoutMs);
    if (!/^role:master/m.test(info)) throw new Error('the server that the Sentinels name is a replica');
  }

  async #readClock(client: Redis): Promise<void> {
    const sentAt = this.#clock.monotonic();
    const reply = await this.#guarded(client, client.time(), this.#settings.commandTimeoutMs);
    this.#clock.sample(sentAt, this.#clock.monotonic(), timeReplyToMs(reply));
  }

  #beat(client: Redis): void {
    this.#timer = setTimeout(() => {
      if (this.#client !== client || this.#state !== 'up') return;
      this.#readClock(client).then(
        () => this.#beat(client),
        (error: Error) => {
          this.#lastError = error.message;
          if (this.#client === client && this.#state === 'up') this.#beat(client);
        },
      );
    }, this.#settings.heartbeatMs);
    this.#timer.unref();
  }

  #guarded<T>(client: Redis, work: Promise<T>, timeoutMs: number): Promise<T> {
    return this.#deadlines
      .race(work, timeoutMs, () => new RedisUnavailableError('timeout', this.name))
      .then(
        (value) => {
          this.#timeoutsInARow = 0;
          return value;
        },
        (error: unknown) => {
          throw this.#failed(client, error);
        },
      );
  }

  #failed(client: Redis, error: unknown): Error {
    if (error instanceof RedisUnavailableError) {
      this.#timeoutsInARow += 1;
      if (this.#timeoutsInARow >= TIMEOUTS_THAT_TAKE_IT_DOWN) this.#giveUp(client, 'no reply in time');
      return error;
    }
    const failure = error instanceof Error ? error : new Error(String(error));
    if (failure.name !== 'ReplyError') return new RedisUnavailableError('lost', this.name, { cause: failure });
    this.#timeoutsInARow = 0;
    if (failure.message.startsWith('EXPIRED')) return new RedisUnavailableError('expired', this.name);
    // A server that loads its data or has become a replica is not one to work with now.
    if (/^(LOADING|READONLY|MASTERDOWN|NOAUTH|WRONGPASS)/.test(failure.message)) {
      this.#giveUp(client, failure.message);
      return new RedisUnavailableError('away', this.name, { cause: failure });
    }
    return failure;
  }

  #runOn(
    client: Redis,
    script: Script,
    keys: readonly string[],
    args: readonly ScriptArgument[],
    { withinMs, asking }: SendHow = { withinMs: this.#settings.commandTimeoutMs, asking: false },
  ): Promise<unknown> {
    const deadline = Math.floor(this.now() + withinMs - DEADLINE_MARGIN_MS);
    const running = asking
      ? afterAsking(client, () => sendAsText(client, script, [keys.length, ...keys, deadline, ...args]))
      : callScript(client, script, [keys.length, ...keys, deadline, ...args]);
    return this.#guarded(client, running, withinMs).catch((error: unknown) => {
      if (error instanceof RedisUnavailableError) throw error;
      throw new RedisUnavailableError('refused', this.name, { cause: error });
    });
  }

  #giveUp(client: Redis, reason: string): void {
    if (this.#client !== client || this.#state === 'closed') return;
    this.#client = undefined;
    this.#lastError = reason;
    clearTimeout(this.#timer);
    this.#become('down', reason);
    // Rejects everything pending on it.
    if (client.status !== 'end') client.disconnect(false);
    const delay = Math.min(RECONNECT_MS.first * 2 ** Math.min(this.#attempts, 8), RECONNECT_MS.most);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#connect(), delay * (0.75 + Math.random() / 2));
    this.#timer.unref();
  }

  #become(state: LinkState, reason: string): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.emit('state', state, reason);
  }

  #away(): RedisUnavailableError {
    return new RedisUnavailableError('away', this.name, { cause: this.#lastError });
  }
}

const WHOLE: RecoveringPart = { whole: true, covers: () => true };

/** What `INFO server` says of who answers. */
export function runIdIn(info: string): string | undefined {
  return /^run_id:(\S+)/m.exec(info)?.[1];
}
