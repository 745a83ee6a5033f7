/**
 * Who is the primary, by the word of the majority of the Sentinels.
 *
 * A failover leaves two primaries for seconds: the new one, and the old one, until a Sentinel reaches it and turns it into
 * a replica. Whoever is connected to the old one notices nothing. What was invalidated at one is then still read at the
 * other. So a server behind Sentinels is worked with for a term only.
 *
 * Invariants
 * 1. A term begins when the majority of the Sentinels name an address, and each time that they name it again it is
 *    prolonged: to `termMs` after the moment at which the question was *sent* to the last of the majority that named it.
 *    A term that has ended never begins again, not for the same address either.
 * 2. Nothing is read, and nothing counts as written, outside a term of the server's (ServerLink looks at the clock, not at
 *    a timer: a process that was stopped wakes up outside).
 * 3. Whoever begins a term waits longer than `termMs` before he reads or writes. Any two majorities have a Sentinel in
 *    common, and it does not go back to a primary that it has left unless that is elected again. So when the first reader
 *    of the new primary begins, the last term at the old one is over, in every process that keeps to the same `termMs`.
 *
 * Sentinels push news (`+switch-master`) and are asked at a pace: the news only makes the change quicker, the asking makes
 * it certain.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { clientOptions } from './client-options.js';
import { Deadlines } from './deadlines.js';
import { RedisUnavailableError } from './errors.js';
import { Wake } from './wake.js';

export interface SentinelSettings {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** What the Sentinels call the primary. */
  readonly primaryName: string;
  /** How to connect to each Sentinel: TLS and credentials. Never logged. */
  readonly connection: RedisOptions;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly askEveryMs: number;
  readonly termMs: number;
}

/** A server's time as the primary, as far as we know of it. */
export class Term {
  #until: number;
  #ended = false;

  constructor(
    readonly host: string,
    readonly port: number,
    until: number,
  ) {
    this.#until = until;
  }

  /** Whether it lasts at this moment. */
  get lasts(): boolean {
    if (!this.#ended && performance.now() >= this.#until) this.#ended = true;
    return !this.#ended;
  }

  prolong(until: number): void {
    if (this.lasts) this.#until = Math.max(this.#until, until);
  }

  end(): void {
    this.#ended = true;
  }
}

/** What one Sentinel said last. */
interface Word {
  readonly host: string;
  readonly port: number;
  /** When it was asked, by the monotonic clock. */
  readonly askedAt: number;
}

/** Called with each new term, and with undefined when one ends and no other begins. */
type Listener = (term: Term | undefined) => void;

/** Asks as long as somebody follows. */
export class Sentinels {
  readonly #settings: SentinelSettings;
  readonly #deadlines = new Deadlines();
  readonly #words = new Map<string, Word>();
  readonly #listeners = new Set<Listener>();
  #asking: AbortController | undefined;
  #term: Term | undefined;
  #lastError = 'not asked yet';

  constructor(settings: SentinelSettings) {
    // One that is named twice has one vote.
    const addresses = [...new Map(settings.addresses.map((one) => [`${one.host}:${one.port}`, one])).values()];
    this.#settings = { ...settings, addresses };
  }

  /** @returns a function that ends it */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#asking === undefined) this.#begin();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  /** @throws Error when no term has begun within that time */
  async untilTerm(withinMs: number): Promise<Term> {
    if (this.#term?.lasts === true) return this.#term;
    let heard: (term: Term) => void = () => undefined;
    const next = new Promise<Term>((resolve) => {
      heard = resolve;
    });
    const leave = this.follow((term) => {
      if (term !== undefined) heard(term);
    });
    const late = (): Error => new Error(`no majority of the Sentinels names the primary: ${this.#lastError}`);
    return this.#deadlines.race(next, withinMs, late).finally(leave);
  }

  #begin(): void {
    this.#asking = new AbortController();
    for (const { host, port } of this.#settings.addresses) void this.#follow(host, port, this.#asking.signal);
  }

  #end(): void {
    this.#asking?.abort();
    this.#asking = undefined;
    this.#words.clear();
    this.#term?.end();
    this.#term = undefined;
  }

  /** Asks one Sentinel again and again. Never rejects. */
  async #follow(host: string, port: number, signal: AbortSignal): Promise<void> {
    const { primaryName, askEveryMs, commandTimeoutMs } = this.#settings;
    const wake = new Wake();
    let clients: SentinelClients | undefined;
    while (!signal.aborted) {
      const askedAt = performance.now();
      try {
        clients ??= await this.#connect(host, port, wake);
        const sentAt = performance.now();
        const reply = await this.#within(
          clients.asks.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primaryName),
          commandTimeoutMs,
        );
        const said = { ...addressIn(reply, primaryName), askedAt: sentAt };
        if (!signal.aborted) this.#words.set(`${host}:${port}`, said);
      } catch (error) {
        this.#lastError = `${host}:${port}: ${error instanceof Error ? error.message : String(error)}`;
        clients?.end();
        clients = undefined;
      }
      if (!signal.aborted) this.#weigh();
      await wake.orAfter(Math.max(0, askedAt + askEveryMs - performance.now()), signal);
    }
    clients?.end();
  }

  async #connect(host: string, port: number, wake: Wake): Promise<SentinelClients> {
    const { connection, connectTimeoutMs, commandTimeoutMs, primaryName } = this.#settings;
    const options = clientOptions({ name: 'sentinel', connection: { ...connection, host, port }, connectTimeoutMs });
    // One that subscribes can ask nothing.
    const clients = new SentinelClients(new Redis(options), new Redis(options));
    clients.hears.on('message', (_channel, message: string) => {
      if (message.startsWith(`${primaryName} `)) wake.ring();
    });
    try {
      const { asks, hears } = clients;
      await this.#within(Promise.all([asks.connect(), hears.connect()]), connectTimeoutMs + commandTimeoutMs);
      await this.#within(hears.subscribe('+switch-master'), commandTimeoutMs);
      return clients;
    } catch (error) {
      clients.end();
      throw error;
    }
  }

  /** Begins, prolongs or ends the term by what all have said. */
  #weigh(): void {
    if (this.#term?.lasts === false) this.#change(undefined);
    const word = majorityOf([...this.#words.values()], this.#settings.addresses.length);
    if (word === undefined) return;
    const until = word.askedAt + this.#settings.termMs;
    if (this.#term !== undefined && this.#term.host === word.host && this.#term.port === word.port) {
      this.#term.prolong(until);
      return;
    }
    const next = new Term(word.host, word.port, until);
    this.#change(next.lasts ? next : undefined);
  }

  #change(term: Term | undefined): void {
    if (this.#term === undefined && term === undefined) return;
    this.#term?.end();
    this.#term = term;
    for (const listener of this.#listeners) listener(term);
  }

  #within<T>(work: Promise<T>, ms: number): Promise<T> {
    return this.#deadlines.race(work, ms, () => new RedisUnavailableError('timeout', 'sentinel'));
  }
}

class SentinelClients {
  constructor(
    readonly asks: Redis,
    readonly hears: Redis,
  ) {
    // Whoever asks next is told.
    for (const client of [asks, hears]) client.on('error', () => undefined);
    // Without news it would only be slower, but both usually end together.
    hears.once('end', () => asks.disconnect(false));
  }

  end(): void {
    this.asks.disconnect(false);
    this.hears.disconnect(false);
  }
}

/** The address that more than half of all name, as of when the last one needed for that was asked. */
export function majorityOf(words: readonly Word[], sentinels: number): Word | undefined {
  const needed = Math.floor(sentinels / 2) + 1;
  for (const agreeing of Map.groupBy(words, ({ host, port }) => `${host}:${port}`).values()) {
    const latestFirst = agreeing.toSorted((a, b) => b.askedAt - a.askedAt);
    if (latestFirst.length >= needed) return latestFirst[needed - 1];
  }
  return undefined;
}

function addressIn(reply: unknown, primaryName: string): { host: string; port: number } {
  if (!Array.isArray(reply) || reply.length !== 2) throw new Error(`no primary is called "${primaryName}" there`);
  return { host: String(reply[0]), port: Number(reply[1]) };
}
