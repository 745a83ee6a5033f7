import { Redis, type RedisOptions } from 'ioredis';
import { type ClientSettings, clientOptions } from './client-options.js';
import type { RedisClock } from './clock.js';
import type { Deadlines } from './deadlines.js';
import { refusal, RedisUnavailableError } from './errors.js';
import { beganWithData, greet, type Greeting, readClock } from './handshake.js';
import type { LinkTimes, ScriptArgument } from './link.js';
import { afterAsking, callScript, sendAsText } from './script-call.js';
import { loadedScripts, type Script } from './script.js';
import type { Term } from './sentinels.js';

/**
 * One connection to a server, from connecting until it is given up.
 *
 * Invariants
 * 1. Every command has a deadline (see Deadlines). Two time-outs in a row with no reply between them end the connection:
 *    swallowed errors count, whoever swallows them.
 * 2. It is used once. When it breaks or is given up, everything pending on it is rejected: nothing is queued offline,
 *    nothing is sent twice.
 * 3. Every script carries a deadline by Redis's clock, a little before the caller's own. A command that was rejected to
 *    its caller therefore does not take effect later, even when a frozen server thaws and finds it in its socket.
 * 4. Where it has a term, a script whose reply comes after that counts as lost.
 */
export interface ConnectionSettings
  extends ClientSettings, Pick<LinkTimes, 'commandTimeoutMs' | 'connectTimeoutMs' | 'heartbeatMs'> {}

/** What outlasts a connection: those before and after it have the same. */
export interface ConnectionParts {
  readonly clock: RedisClock;
  readonly deadlines: Deadlines;
}

/** Who is told what becomes of a connection. */
export interface ConnectionOwner {
  /** Something is wrong that does not end it, or not yet. */
  trouble(message: string): void;
  /** The server has begun again, and still loads what it had kept. */
  loading(): void;
  /** It is of no use any more: told once, and not when it was closed. Without a reason, that is the trouble told last. */
  ended(reason?: string): void;
}

/** How a command is sent that another node has redirected. */
export interface SendHow {
  /** What is left of the caller's time; it is not sent again when that was too little. */
  readonly withinMs: number;
  /** For a slot that this server is only receiving. */
  readonly asking: boolean;
}

const TIMEOUTS_THAT_END_IT = 2;
/** How far a script's deadline lies before the caller's own: bounds the error of the clock estimate. */
const DEADLINE_MARGIN_MS = 50;
const TERM_ENDED = 'the Sentinels have not confirmed that this server is the primary';

export class ServerConnection {
  /** During which the server may be used; none where no Sentinels are asked. */
  readonly term: Term | undefined;
  readonly #settings: ConnectionSettings;
  readonly #clock: RedisClock;
  readonly #deadlines: Deadlines;
  readonly #owner: ConnectionOwner;
  readonly #client: Redis;
  #over = false;
  #timeoutsInARow = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    settings: ConnectionSettings,
    term: Term | undefined,
    { clock, deadlines }: ConnectionParts,
    owner: ConnectionOwner,
  ) {
    this.#settings = settings;
    this.term = term;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#owner = owner;
    const scripts = [...loadedScripts()];
    // Somebody waits for each script. A pipeline would keep it until the turn of the event loop ends, and until the one before it
    // has been answered, and cost more than the writes that it saves.
    const autoPipeliningIgnoredCommands = scripts.map(({ name }) => name);
    this.#client = new Redis({ ...this.#clientOptions(), autoPipeliningIgnoredCommands });
    for (const { name, lua } of scripts) this.#client.defineCommand(name, { lua });
    this.#client.on('error', (error: Error) => this.#owner.trouble(error.message));
    this.#client.once('end', () => this.giveUp());
  }

  connect(): Promise<void> {
    // ioredis bounds the connecting alone, and then waits for the first answer for as long as it takes.
    const { name, connectTimeoutMs, commandTimeoutMs } = this.#settings;
    const silent = (): Error => new RedisUnavailableError('timeout', name, { cause: 'connected, but no reply' });
    return this.#deadlines.race(this.#client.connect(), connectTimeoutMs + commandTimeoutMs, silent);
  }

  greet(database: number): Promise<Greeting> {
    return greet((send) => this.ask(send), this.#clock, { database, toBePrimary: this.term !== undefined });
  }

  beganWithData(): Promise<boolean> {
    return beganWithData((send) => this.ask(send));
  }

  /** Asks for the server's clock from time to time, so that a server that is gone is noticed when nobody asks it. */
  beat(): void {
    if (this.#over) return;
    this.#heartbeat = setTimeout(() => {
      readClock((send) => this.ask(send), this.#clock).then(
        () => this.beat(),
        (error: Error) => {
          if (!this.#over) this.#owner.trouble(error.message);
          this.beat();
        },
      );
    }, this.#settings.heartbeatMs);
    this.#heartbeat.unref();
  }

  ask<T>(send: (client: Redis) => Promise<T>, timeoutMs = this.#settings.commandTimeoutMs): Promise<T> {
    return this.#guarded(send(this.#client), timeoutMs);
  }

  run(
    script: Script,
    keys: readonly string[],
    args: readonly ScriptArgument[],
    { withinMs, asking }: SendHow = { withinMs: this.#settings.commandTimeoutMs, asking: false },
  ): Promise<unknown> {
    const deadline = Math.floor(this.#clock.now() + withinMs - DEADLINE_MARGIN_MS);
    const all = [keys.length, ...keys, deadline, ...args];
    const running = asking
      ? afterAsking(this.#client, () => sendAsText(this.#client, script, all))
      : callScript(this.#client, script, all);
    return this.#guarded(running, withinMs).then(
      (reply) => {
        if (this.term?.lasts !== false) return reply;
        this.giveUp(TERM_ENDED);
        throw new RedisUnavailableError('lost', this.#settings.name, { cause: TERM_ENDED });
      },
      (error: unknown) => {
        throw refusal(error, this.#settings.name);
      },
    );
  }

  /** A client of its own to the same server. */
  dedicatedClient(purpose: string, database: number): Redis {
    const connectionName = `promptsales:${this.#settings.name}:${purpose}`;
    return new Redis({ ...this.#clientOptions(), connectionName, db: database });
  }

  /** Gives up what has a term that is over. */
  endWithTerm(): void {
    if (this.term?.lasts === false) this.giveUp(TERM_ENDED);
  }

  giveUp(reason?: string): void {
    if (this.#over) return;
    this.#end();
    this.#owner.ended(reason);
    // Rejects everything pending on it.
    if (this.#client.status !== 'end') this.#client.disconnect(false);
  }

  async close(): Promise<void> {
    this.#end();
    if (this.#client.status === 'end') return;
    const ended = new Promise<void>((resolve) => this.#client.once('end', () => resolve()));
    this.#client.disconnect(false);
    await ended;
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#heartbeat);
  }

  #clientOptions(): RedisOptions {
    const { connection } = this.#settings;
    const at = this.term === undefined ? {} : { host: this.term.host, port: this.term.port };
    return clientOptions({ ...this.#settings, connection: { ...connection, ...at } });
  }

  #guarded<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
    return this.#deadlines
      .race(work, timeoutMs, () => new RedisUnavailableError('timeout', this.#settings.name))
      .then(
        (value) => {
          this.#timeoutsInARow = 0;
          return value;
        },
        (error: unknown) => {
          throw this.#failed(error);
        },
      );
  }

  #failed(error: unknown): Error {
    const { name } = this.#settings;
    if (error instanceof RedisUnavailableError) {
      this.#timeoutsInARow += 1;
      if (this.#timeoutsInARow >= TIMEOUTS_THAT_END_IT) this.giveUp('no reply in time');
      return error;
    }
    const failure = error instanceof Error ? error : new Error(String(error));
    if (failure.name !== 'ReplyError') return new RedisUnavailableError('lost', name, { cause: failure });
    this.#timeoutsInARow = 0;
    if (failure.message.startsWith('EXPIRED')) return new RedisUnavailableError('expired', name);
    // Somebody's script does not end. It says nothing of what was asked.
    if (failure.message.startsWith('BUSY ')) return refusal(failure, name);
    if (failure.message.startsWith('LOADING')) this.#owner.loading();
    // A server that loads its data or has become a replica is not one to work with now.
    if (/^(LOADING|READONLY|MASTERDOWN|NOAUTH|WRONGPASS)/.test(failure.message)) {
      this.giveUp(failure.message);
      return new RedisUnavailableError('away', name, { cause: failure });
    }
    return failure;
  }
}
