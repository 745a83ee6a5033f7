import type { Redis } from 'ioredis';
import type { ClientSettings } from './client-options.js';
import { RedisClock } from './clock.js';
import { refusal, RedisUnavailableError, type RedisTrouble } from './errors.js';
import { GatheredReads, mget, type Values } from './gathered-reads.js';
import { LinkBase } from './link-base.js';
import type { LinkTimes, RecoveringPart, RecoveryRun, RedisNode, ScriptArgument } from './link.js';
import type { Script } from './script.js';
import type { Sentinels, Term } from './sentinels.js';
import { type SendHow, ServerConnection } from './server-connection.js';

/**
 * The way to one server that never makes anybody wait for long: one connection at a time, and another when it ends.
 *
 * Invariants (with those of ServerConnection, which bound every command)
 * 1. A command is sent only in state `up`, or by a recovery step. In every other state callers are refused at once, so
 *    a Redis that is gone costs no request anything after the first few.
 * 2. When a connection ends, the link is down until a new one is made: nothing goes from one to the next, except a read
 *    that timed out, or a script that has not run, which is sent once more.
 * 3. After an interruption the link is `up` only when all recovery steps (replay of invalidations) have succeeded.
 *    When the server itself was restarted or replaced, every process replays what the server may have lost at once, and
 *    then waits `holdAfterRestartMs`: what the others replay is in place before anybody reads, as long as they notice
 *    within that time. What came in while it waited is replayed after it. A process that was not there before takes a
 *    server that started lately, with data, for one that was restarted.
 * 4. Behind Sentinels a server is used during its term as the primary only (see Sentinels): nothing is read outside it,
 *    and a new term, even of the same server, begins like 3.
 */
export interface LinkSettings extends LinkTimes, ClientSettings {
  readonly database: number;
  /** Who know where the server is. */
  readonly sentinels?: Sentinels;
}

const RECONNECT_MS = { first: 50, most: 500 } as const;
const WHOLE: RecoveringPart = { whole: true, covers: () => true };

export class ServerLink extends LinkBase implements RedisNode {
  readonly #clock = new RedisClock();
  readonly #settings: LinkSettings;
  readonly #gathered = new GatheredReads((keys) => this.#readTogether((client) => mget(client, keys)));
  #connection: ServerConnection | undefined;
  /** The term in which the link was up last. */
  #servedTerm: Term | undefined;
  #unfollow: (() => void) | undefined;
  #opened = false;
  #database: number;
  #runId: string | undefined;
  #distrusted = false;
  /** The server is a node of a cluster: one command cannot name keys of several slots. */
  #clustered = false;
  #changesKey = '';
  #attempts = 0;
  #lastError = 'not connected yet';
  #reconnect: NodeJS.Timeout | undefined;

  constructor(settings: LinkSettings) {
    super(settings);
    this.#settings = settings;
    this.#database = settings.database;
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

  get lastError(): string | null {
    return this.up ? null : this.#lastError;
  }

  /** Begins to connect, and goes on trying until `close`. */
  open(): this {
    if (this.#opened || this.isClosed()) return this;
    this.#opened = true;
    this.#unfollow = this.#settings.sentinels?.follow(() => this.#connection?.endWithTerm());
    this.#connect();
    return this;
  }

  upFor(): boolean {
    return this.up;
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
    const connection = this.#usable();
    if (connection === undefined) return Promise.reject(this.away());
    const first = connection.ask(send, timeoutMs);
    if (!this.#settings.retryReads) return first;
    return first.catch((error: unknown) => this.#usableAfter(error, 'timeout').ask(send, timeoutMs));
  }

  /** Reads of one turn of the event loop share a command: a quarter less processor time for a hit. */
  readStrings(keys: readonly string[], common: readonly string[] = []): Promise<Values> {
    if (!this.#clustered) return this.#gathered.read(keys, common);
    return this.#readTogether((client) => client.mgetBuffer([...keys, ...common]));
  }

  readStringsOfEach(
    entries: readonly (readonly string[])[],
    common: readonly string[] = [],
  ): Promise<readonly Values[]> {
    if (!this.#clustered) return this.#gathered.readEach(entries, common);
    return Promise.all(entries.map((keys) => this.readStrings(keys, common)));
  }

  run(script: Script, keys: readonly string[], args: readonly ScriptArgument[], how?: SendHow): Promise<unknown> {
    const connection = this.#usable();
    if (connection === undefined) return Promise.reject(this.away());
    const first = this.#runOn(connection, script, keys, args, how);
    if (how !== undefined) return first;
    // Either side was too busy for the deadline. Nothing has run, so once more is safe.
    return first.catch((error: unknown) => this.#runOn(this.#usableAfter(error, 'expired'), script, keys, args));
  }

  tellChangesAt(key: string): void {
    this.#changesKey = key;
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
    this.#connection?.giveUp(reason);
  }

  dedicatedClient(purpose: string): Redis {
    if (!this.up || this.#connection === undefined) throw this.away();
    return this.#connection.dedicatedClient(purpose, this.#database);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.become('closed', 'closed');
    clearTimeout(this.#reconnect);
    this.#unfollow?.();
    await connection?.close();
  }

  #connect(): void {
    const { sentinels, connectTimeoutMs } = this.#settings;
    if (sentinels === undefined) {
      this.#connectIn(undefined);
      return;
    }
    sentinels.untilTerm(connectTimeoutMs).then(
      (term) => this.#connectIn(term),
      (error: Error) => this.#tryAgain(error.message),
    );
  }

  #connectIn(term: Term | undefined): void {
    if (this.isClosed()) return;
    const parts = { clock: this.#clock, deadlines: this.deadlines };
    const connection = new ServerConnection(this.#settings, term, parts, {
      trouble: (message) => {
        this.#lastError = message;
      },
      // Nobody can repeat anything to it until it has loaded: the hold is to begin then.
      loading: () => {
        this.#distrusted = true;
      },
      ended: (reason) => {
        this.#connection = undefined;
        this.#tryAgain(reason ?? this.#lastError);
      },
    });
    this.#connection = connection;
    connection.connect().then(
      () => this.#begin(connection),
      (error: Error) => connection.giveUp(error.message),
    );
  }

  /** From a fresh connection to `up`: learn who the server is, recover what must be recovered. */
  async #begin(connection: ServerConnection): Promise<void> {
    this.#lastError = 'the connection ended';
    const { term } = connection;
    try {
      const { database, runId, clustered, young } = await connection.greet(this.#database);
      this.#database = database;
      this.#clustered = clustered;
      const restarted = this.#runId === undefined ? young && (await connection.beganWithData()) : runId !== this.#runId;
      const hold = this.#distrusted || restarted || term !== this.#servedTerm;
      this.become('recovering', hold ? 'the server was restarted or replaced' : 'connected');
      const run: RecoveryRun = (script, keys, args) => this.#runOn(connection, script, keys, args);
      if (hold) {
        await this.recover(run, WHOLE);
        await new Promise((resolve) => setTimeout(resolve, this.#settings.holdAfterRestartMs));
      }
      await this.recover(run, WHOLE);
      connection.endWithTerm();
      if (this.#connection !== connection) return;
      this.#runId = runId;
      this.#servedTerm = term;
      this.#distrusted = false;
      this.#attempts = 0;
      this.become('up', 'ready');
      connection.beat();
    } catch (error) {
      connection.giveUp(error instanceof Error ? error.message : String(error));
    }
  }

  /** The connection, while it may be used. Looks at the clock: no timer ends a term in time when this process was stopped. */
  #usable(): ServerConnection | undefined {
    if (!this.up) return undefined;
    this.#connection?.endWithTerm();
    return this.#connection;
  }

  /** The connection for the second try of what failed by this trouble; throws the error when it is not to be tried. */
  #usableAfter(error: unknown, trouble: RedisTrouble): ServerConnection {
    const connection = error instanceof RedisUnavailableError && error.trouble === trouble ? this.#usable() : undefined;
    if (connection === undefined) throw error;
    return connection;
  }

  /** Whatever lies at the keys: what is no string reads as nothing, so an error is none of theirs. */
  #readTogether(send: (client: Redis) => Promise<Values>): Promise<Values> {
    return this.read(send).catch((error: unknown) => {
      throw refusal(error, this.name);
    });
  }

  #runOn(
    connection: ServerConnection,
    script: Script,
    keys: readonly string[],
    args: readonly ScriptArgument[],
    how?: SendHow,
  ): Promise<unknown> {
    if (!script.tellsChanges) return connection.run(script, keys, args, how);
    return connection.run(script, keys, [...args, this.#clustered ? '' : this.#changesKey], how);
  }

  #tryAgain(reason: string): void {
    if (this.isClosed()) return;
    this.#lastError = reason;
    clearTimeout(this.#reconnect);
    this.become('down', reason);
    const delay = Math.min(RECONNECT_MS.first * 2 ** Math.min(this.#attempts, 8), RECONNECT_MS.most);
    this.#attempts += 1;
    this.#reconnect = setTimeout(() => this.#connect(), delay * (0.75 + Math.random() / 2));
    this.#reconnect.unref();
  }
}
