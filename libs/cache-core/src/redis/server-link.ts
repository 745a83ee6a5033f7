import { EventEmitter } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import { type ClientSettings, clientOptions } from './client-options.js';
import { RedisClock } from './clock.js';
import { Deadlines } from './deadlines.js';
import { RedisUnavailableError } from './errors.js';
import { GatheredReads, mget, type Values } from './gathered-reads.js';
import { beganWithData, greet, readClock } from './handshake.js';
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
import type { Sentinels, Term } from './sentinels.js';
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
 *    within that time. What came in while it waited is replayed after it. A process that was not there before takes a
 *    server that started lately, with data, for one that was restarted.
 * 6. Behind Sentinels a server is used during its term as the primary only (see Sentinels): nothing is read outside it,
 *    a script whose reply comes after it counts as lost, and a new term, even of the same server, begins like 5.
 */
export interface LinkSettings extends LinkTimes, ClientSettings {
  readonly database: number;
  /** Who know where the server is. */
  readonly sentinels?: Sentinels;
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
  /** During which the connection in use may be used. */
  #term: Term | undefined;
  /** The term in which the link was up last. */
  #servedTerm: Term | undefined;
  #unfollow: (() => void) | undefined;
  #opened = false;
  #state: LinkState = 'connecting';
  #database: number;
  #runId: string | undefined;
  #distrusted = false;
  /** The server is a node of a cluster: one command cannot name keys of several slots. */
  #clustered = false;
  #changesKey = '';
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
    if (this.#opened || this.#state === 'closed') return this;
    this.#opened = true;
    this.#unfollow = this.#settings.sentinels?.follow(() => {
      if (this.#term?.lasts === false) this.#endTerm();
    });
    this.#connect();
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
    if (!this.#usable() || this.#client === undefined) return Promise.reject(this.#away());
    const first = this.#guarded(this.#client, send(this.#client), timeoutMs);
    if (!this.#settings.retryReads) return first;
    return first.catch((error: unknown) => {
      const again =
        error instanceof RedisUnavailableError && error.trouble === 'timeout' && this.#usable() && this.#client;
      if (!again) throw error;
      return this.#guarded(again, send(again), timeoutMs);
    });
  }

  /** Reads of one turn of the event loop share a command: a quarter less processor time for a hit. */
  readStrings(keys: readonly string[], common: readonly string[] = []): Promise<Values> {
    if (!this.#clustered) return this.#gathered.read(keys, common);
    return this.read((client) => client.mgetBuffer([...keys, ...common]));
  }

  readStringsOfEach(
    entries: readonly (readonly string[])[],
    common: readonly string[] = [],
  ): Promise<readonly Values[]> {
    if (!this.#clustered) return this.#gathered.readEach(entries, common);
    return Promise.all(entries.map((keys) => this.readStrings(keys, common)));
  }

  run(script: Script, keys: readonly string[], args: readonly ScriptArgument[], how?: SendHow): Promise<unknown> {
    if (!this.#usable() || this.#client === undefined) return Promise.reject(this.#away());
    const first = this.#runOn(this.#client, script, keys, args, how);
    if (how !== undefined) return first;
    return first.catch((error: unknown) => {
      // Either side was too busy for the deadline. Nothing has run, so once more is safe.
      const again =
        error instanceof RedisUnavailableError && error.trouble === 'expired' && this.#usable() && this.#client;
      if (!again) throw error;
      return this.#runOn(again, script, keys, args);
    });
  }

  tellChangesAt(key: string): void {
    this.#changesKey = key;
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
      ...this.#clientOptions(),
      connectionName: `promptsales:${this.name}:${purpose}`,
      db: this.#database,
    });
  }

  async close(): Promise<void> {
    this.#become('closed', 'closed');
    clearTimeout(this.#timer);
    this.#unfollow?.();
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    if (client.status === 'end') return;
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.disconnect(false);
    await ended;
  }

  #connect(): void {
    const { sentinels, connectTimeoutMs } = this.#settings;
    if (sentinels === undefined) {
      this.#connectTo(undefined);
      return;
    }
    sentinels.untilTerm(connectTimeoutMs).then(
      (term) => this.#connectTo(term),
      (error: Error) => this.#tryAgain(error.message),
    );
  }

  #connectTo(term: Term | undefined): void {
    if (this.#isClosed()) return;
    this.#term = term;
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
      () => this.#begin(client, term),
      (error: Error) => this.#giveUp(client, error.message),
    );
  }

  #clientOptions(): RedisOptions {
    const { connection } = this.#settings;
    const at = this.#term === undefined ? {} : { host: this.#term.host, port: this.#term.port };
    return clientOptions({ ...this.#settings, connection: { ...connection, ...at } });
  }

  /** From a fresh connection to `up`: learn who the server is, recover what must be recovered. */
  async #begin(client: Redis, term: Term | undefined): Promise<void> {
    this.#lastError = 'the connection ended';
    try {
      const ask = this.#asker(client);
      const wanted = { database: this.#database, toBePrimary: term !== undefined };
      const { database, runId, clustered, young } = await greet(ask, this.#clock, wanted);
      this.#database = database;
      this.#clustered = clustered;
      const restarted = this.#runId === undefined ? young && (await beganWithData(ask)) : runId !== this.#runId;
      const hold = this.#distrusted || restarted || term !== this.#servedTerm;
      this.#become('recovering', hold ? 'the server was restarted or replaced' : 'connected');
      if (hold) {
        await this.#recover(client);
        await new Promise((resolve) => setTimeout(resolve, this.#settings.holdAfterRestartMs));
      }
      await this.#recover(client);
      if (this.#client !== client) return;
      if (term?.lasts === false) throw new Error(TERM_ENDED);
      this.#runId = runId;
      this.#servedTerm = term;
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

  #asker(client: Redis): <T>(send: (client: Redis) => Promise<T>) => Promise<T> {
    return (send) => this.#guarded(client, send(client), this.#settings.commandTimeoutMs);
  }

  /** Looks at the clock: no timer ends a term in time when this process was stopped. */
  #usable(): boolean {
    if (this.#state !== 'up') return false;
    if (this.#term?.lasts === false) this.#endTerm();
    return this.up;
  }

  #endTerm(): void {
    if (this.#client !== undefined) this.#giveUp(this.#client, TERM_ENDED);
  }

  #beat(client: Redis): void {
    this.#timer = setTimeout(() => {
      if (this.#client !== client || this.#state !== 'up') return;
      readClock(this.#asker(client), this.#clock).then(
        () => this.#beat(client),
        (error: Error) => {
          if (this.#client !== client || this.#state !== 'up') return;
          this.#lastError = error.message;
          this.#beat(client);
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
    // Nobody can repeat anything to it until it has loaded: the hold is to begin then.
    if (failure.message.startsWith('LOADING')) this.#distrusted = true;
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
    const all = [keys.length, ...keys, deadline, ...args];
    if (script.tellsChanges) all.push(this.#clustered ? '' : this.#changesKey);
    const running = asking
      ? afterAsking(client, () => sendAsText(client, script, all))
      : callScript(client, script, all);
    const term = this.#term;
    return this.#guarded(client, running, withinMs).then(
      (reply) => {
        if (term?.lasts !== false) return reply;
        this.#giveUp(client, TERM_ENDED);
        throw new RedisUnavailableError('lost', this.name, { cause: TERM_ENDED });
      },
      (error: unknown) => {
        if (error instanceof RedisUnavailableError) throw error;
        throw new RedisUnavailableError('refused', this.name, { cause: error });
      },
    );
  }

  #giveUp(client: Redis, reason: string): void {
    if (this.#client !== client || this.#state === 'closed') return;
    this.#client = undefined;
    this.#tryAgain(reason);
    // Rejects everything pending on it.
    if (client.status !== 'end') client.disconnect(false);
  }

  #tryAgain(reason: string): void {
    if (this.#isClosed()) return;
    this.#lastError = reason;
    clearTimeout(this.#timer);
    this.#become('down', reason);
    const delay = Math.min(RECONNECT_MS.first * 2 ** Math.min(this.#attempts, 8), RECONNECT_MS.most);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#connect(), delay * (0.75 + Math.random() / 2));
    this.#timer.unref();
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
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

const TERM_ENDED = 'the Sentinels have not confirmed that this server is the primary';
const WHOLE: RecoveringPart = { whole: true, covers: () => true };
