import { EventEmitter } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import { RedisClock, timeReplyToMs } from './clock.js';
import { Deadlines } from './deadlines.js';
import { RedisUnavailableError } from './errors.js';
import { GatheredReads, mget, type Values } from './gathered-reads.js';
import { loadedScripts, type Script } from './script.js';

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
 *    When the server itself was restarted or replaced, every process also waits `holdAfterRestartMs` first, so that the
 *    invalidations which the server may have lost, and which others replay, are in place before anybody reads.
 */
export interface LinkSettings {
  /** For logs and metrics: the roles that share the link. */
  readonly name: string;
  /** Where and how to connect: host, port, path, TLS, credentials. Never logged. */
  readonly connection: RedisOptions;
  readonly database: number;
  readonly commandTimeoutMs: number;
  /** One more try for a read (never a script) that timed out while the link is still up. */
  readonly retryReads: boolean;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly holdAfterRestartMs: number;
}

export const DEFAULT_LINK_TIMES = {
  commandTimeoutMs: 500,
  retryReads: true,
  connectTimeoutMs: 1000,
  heartbeatMs: 500,
  holdAfterRestartMs: 1000,
} as const;

export type LinkState = 'connecting' | 'recovering' | 'up' | 'down' | 'closed';

/** What a recovery step may do: run scripts before the link is `up`. */
export type RecoveryRun = (
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
) => Promise<unknown>;
export type ScriptArgument = string | number | Buffer;

export interface LinkEvents {
  state: [state: LinkState, reason: string];
}

const TIMEOUTS_THAT_TAKE_IT_DOWN = 2;
/** How far a script's deadline lies before the caller's own: bounds the error of the clock estimate. */
const DEADLINE_MARGIN_MS = 50;
const RECONNECT_MS = { first: 50, most: 500 } as const;

export class RedisLink extends EventEmitter<LinkEvents> {
  readonly clock = new RedisClock();
  readonly #settings: LinkSettings;
  readonly #deadlines = new Deadlines();
  readonly #gathered = new GatheredReads((keys) => this.read((client) => mget(client, keys)));
  readonly #recoverySteps = new Set<(run: RecoveryRun) => Promise<void>>();
  #client: Redis | undefined;
  #state: LinkState = 'connecting';
  #database: number;
  #runId: string | undefined;
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

  /** Names the server process that answers here; another one after a restart or a failover. */
  get runId(): string | undefined {
    return this.#runId;
  }

  /** The database in use: 0 where the server refuses SELECT. */
  get database(): number {
    return this.#database;
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

  /** Resolves when the link is up, or rejects after `withinMs`. For tests, tools and start-up messages. */
  async untilUp(withinMs: number): Promise<void> {
    if (this.up) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.off('state', listen);
        reject(this.#away());
      }, withinMs);
      const listen = (state: LinkState): void => {
        if (state !== 'up') return;
        clearTimeout(timer);
        this.off('state', listen);
        resolve();
      };
      this.on('state', listen);
    });
  }

  /** A step that must succeed before reads are trusted again. Returns a function that takes it back. */
  onRecovery(step: (run: RecoveryRun) => Promise<void>): () => void {
    this.#recoverySteps.add(step);
    return () => this.#recoverySteps.delete(step);
  }

  /**
   * Sends one read (or one pipeline of reads, which ioredis forms by itself from reads of one tick).
   * @throws RedisUnavailableError at once when the link is not up, else within `commandTimeoutMs`
   * @throws ReplyError what the server answered (a wrong type, say): that is no sign of trouble
   */
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

  /**
   * Reads strings, all as they stood at one moment; they must lie in one slot. Null: nothing there, or no string.
   * Reads of one turn of the event loop share a command: a quarter less processor time for a hit.
   * @throws RedisUnavailableError as `read` does
   */
  readStrings(keys: readonly string[]): Promise<Values> {
    return this.#clustered ? this.read((client) => client.mgetBuffer([...keys])) : this.#gathered.read(keys);
  }

  /**
   * Runs a script that refuses to run past its deadline; `ARGV[1]` is that deadline.
   * @throws RedisUnavailableError; with `timeout` or `lost` it is unknown whether the script ran
   */
  run(script: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    if (this.#state !== 'up' || this.#client === undefined) return Promise.reject(this.#away());
    return this.#runOn(this.#client, script, keys, args).catch((error: unknown) => {
      // Either side was too busy for the deadline. Nothing has run, so once more is safe.
      const again = error instanceof RedisUnavailableError && error.trouble === 'expired' && this.up && this.#client;
      if (!again) throw error;
      return this.#runOn(again, script, keys, args);
    });
  }

  /** Gives work on a dedicated client the same deadline. Its time-out does not count against this link. */
  within<T>(work: Promise<T>): Promise<T> {
    return this.#deadlines.race(
      work,
      this.#settings.commandTimeoutMs,
      () => new RedisUnavailableError('timeout', this.name),
    );
  }

  /** Milliseconds since the epoch by Redis's clock. */
  now(): number {
    return this.clock.now();
  }

  /** A client of its own with the same settings, for commands that block or subscribe. The caller owns its life. */
  dedicatedClient(purpose: string): Redis {
    return new Redis({
      ...this.#clientOptions(),
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

  #clientOptions(): RedisOptions {
    return {
      ...this.#settings.connection,
      lazyConnect: true,
      connectTimeout: this.#settings.connectTimeoutMs,
      // A connection is used once: no queue while offline, no resending, no reconnecting in place.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      // Readiness is decided here, with a deadline; ioredis's own check has none.
      enableReadyCheck: false,
      // What is given up is destroyed: a frozen peer would not answer a polite end.
      disconnectTimeout: 0,
      disableClientInfo: true,
      enableAutoPipelining: true,
      connectionName: `promptsales:${this.name}`,
    };
  }

  #connect(): void {
    const client = new Redis(this.#clientOptions());
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
      this.clock.reset();
      await this.#readClock(client);
      const info = await this.#guarded(client, client.info('server'), this.#settings.commandTimeoutMs);
      const runId = runIdIn(info);
      this.#clustered = /^redis_mode:cluster/m.test(info);
      const replaced = this.#runId !== undefined && runId !== this.#runId;
      this.#become('recovering', replaced ? 'the server was restarted or replaced' : 'connected');
      if (replaced) await new Promise((resolve) => setTimeout(resolve, this.#settings.holdAfterRestartMs));
      const run: RecoveryRun = (script, keys, args) => this.#runOn(client, script, keys, args);
      for (const step of this.#recoverySteps) await step(run);
      if (this.#client !== client) return;
      this.#runId = runId;
      this.#attempts = 0;
      this.#timeoutsInARow = 0;
      this.#become('up', 'ready');
      this.#beat(client);
    } catch (error) {
      this.#giveUp(client, error instanceof Error ? error.message : String(error));
    }
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

  async #readClock(client: Redis): Promise<void> {
    const sentAt = this.clock.monotonic();
    const reply = await this.#guarded(client, client.time(), this.#settings.commandTimeoutMs);
    this.clock.sample(sentAt, this.clock.monotonic(), timeReplyToMs(reply));
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

  #runOn(client: Redis, script: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    const timeoutMs = this.#settings.commandTimeoutMs;
    const deadline = Math.floor(this.now() + timeoutMs - DEADLINE_MARGIN_MS);
    const running = callScript(client, script, [keys.length, ...keys, deadline, ...args]);
    return this.#guarded(client, running, timeoutMs).catch((error: unknown) => {
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

type ScriptCall = (...args: readonly ScriptArgument[]) => Promise<unknown>;

/**
 * A command that `#connect` has defined: EVALSHA with the script's text in reserve. One loaded since then is sent as
 * text, because defining a command now would not reach the pipeline that ioredis may already be filling.
 */
function callScript(client: Redis, script: Script, args: readonly ScriptArgument[]): Promise<unknown> {
  const commands = client as unknown as Record<string, ScriptCall | undefined>;
  const call = commands[script.name];
  return call === undefined
    ? (commands['eval'] as ScriptCall).call(client, script.lua, ...args)
    : call.apply(client, [...args]);
}

/** What `INFO server` says of who answers. */
export function runIdIn(info: string): string | undefined {
  return /^run_id:(\S+)/m.exec(info)?.[1];
}
