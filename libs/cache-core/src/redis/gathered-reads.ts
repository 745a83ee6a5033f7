import { Command, type Redis } from 'ioredis';

/**
 * Reads of strings that are asked for in one turn of the event loop leave as one MGET: one command to write, one reply to
 * take apart and one deadline for all of them, where a pipeline has each of these for every caller.
 *
 * Callers who want the same keys share one read of them: a thousand callers of one entry cost what one costs. Keys that
 * callers of different entries have in common (the version of their family) are sent once in each command. What they get
 * is the same to the byte, and nobody may write into it.
 *
 * Invariants
 * 1. The keys of one caller are never parted, so that what he gets stood beside each other at one moment.
 * 2. A value once seen to be large travels alone from then on, behind the small ones of its turn. A reply is there when its
 *    last byte is, so whoever shares a command with 16 MB waits for all of them, and shares their time-out.
 * 3. A read is shared only until it is sent. What a caller gets was read after he asked.
 */
export type Values = readonly (Buffer | null)[];

/**
 * Forty or so callers who read an entry. Each command costs a write; but while the reply of one is being taken apart, Redis
 * reads for the next, and what is written together fails together. See docs/decisions/0085.
 */
const MOST_KEYS = 120;
/** Above this the bytes cost more than the command. */
const LARGE_BYTES = 64 * 1024;
const REMEMBERED_LARGE = 1000;
const NONE: readonly string[] = [];

interface Waiting {
  readonly keys: readonly string[];
  readonly common: readonly string[];
  readonly resolve: (values: Values) => void;
  readonly reject: (error: unknown) => void;
}

interface Shared extends Waiting {
  readonly values: Promise<Values>;
}

export class GatheredReads {
  readonly #send: (keys: readonly string[]) => Promise<Values>;
  #together = new Together();
  #alone: Waiting[] = [];
  /** The latest of those who wait and may be joined, by their first key. */
  readonly #latest = new Map<string, Shared>();
  /** Keys whose values were large when last read, oldest first. */
  readonly #large = new Set<string>();

  constructor(send: (keys: readonly string[]) => Promise<Values>) {
    this.#send = send;
  }

  /** @param common keys that others are likely to read too; their values stand behind those of `keys` */
  read(keys: readonly string[], common: readonly string[] = NONE): Promise<Values> {
    const first = keys[0] ?? '';
    const latest = this.#latest.get(first);
    if (latest !== undefined && areSame(latest.keys, keys) && areSame(latest.common, common)) return latest.values;
    const { promise: values, resolve, reject } = Promise.withResolvers<Values>();
    const waiting: Shared = { keys, common, values, resolve, reject };
    this.#enter(waiting);
    this.#latest.set(first, waiting);
    return values;
  }

  /** Reads for one who wants many entries, with one promise for all of them: each is read as by `read`. */
  readEach(entries: readonly (readonly string[])[], common: readonly string[] = NONE): Promise<readonly Values[]> {
    if (entries.length === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<readonly Values[]>();
    const found = Array.from<Values>({ length: entries.length });
    let missing = entries.length;
    for (const [at, keys] of entries.entries()) {
      const put = (values: Values): void => {
        found[at] = values;
        missing -= 1;
        if (missing === 0) resolve(found);
      };
      this.#enter({ keys, common, resolve: put, reject });
    }
    return promise;
  }

  #enter(waiting: Waiting): void {
    // After the sockets have been read: every request that came in this turn is aboard.
    if (this.#together.isEmpty && this.#alone.length === 0) setImmediate(() => this.#leave());
    if (this.#large.size > 0 && (this.#anyLarge(waiting.keys) || this.#anyLarge(waiting.common))) {
      this.#alone.push(waiting);
      return;
    }
    if (!this.#together.hasRoomFor(waiting)) this.#leaveTogether();
    this.#together.add(waiting);
  }

  #leave(): void {
    this.#leaveTogether();
    const alone = this.#alone;
    this.#alone = [];
    this.#latest.clear();
    for (const waiting of alone) {
      const command = new Together();
      command.add(waiting);
      this.#sendFor(command);
    }
  }

  #leaveTogether(): void {
    const together = this.#together;
    if (together.isEmpty) return;
    this.#together = new Together();
    // They are sent now, and shared no more.
    this.#latest.clear();
    this.#sendFor(together);
  }

  #sendFor(command: Together): void {
    const { keys } = command;
    this.#send(keys).then(
      (values) => {
        this.#notice(keys, values);
        command.answer(values);
      },
      (error: unknown) => command.fail(error),
    );
  }

  #anyLarge(keys: readonly string[]): boolean {
    return keys.some((key) => this.#large.has(key));
  }

  #notice(keys: readonly string[], values: Values): void {
    for (let at = 0; at < values.length; at++) {
      const large = (values[at]?.length ?? 0) > LARGE_BYTES;
      if (!large && this.#large.size === 0) continue;
      const key = keys[at] as string;
      this.#large.delete(key);
      if (!large) continue;
      this.#large.add(key);
      if (this.#large.size > REMEMBERED_LARGE) this.#large.delete(this.#large.keys().next().value as string);
    }
  }
}

/** What leaves as one command: the keys of each caller, and behind them all those that callers have in common. */
class Together {
  readonly #own: string[] = [];
  /** Where each of the common keys stands among them. */
  readonly #common = new Map<string, number>();
  readonly #waiting: Waiting[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get keys(): readonly string[] {
    return [...this.#own, ...this.#common.keys()];
  }

  hasRoomFor({ keys, common }: Waiting): boolean {
    if (this.isEmpty) return true;
    let count = this.#own.length + this.#common.size + keys.length;
    for (const key of common) if (!this.#common.has(key)) count += 1;
    return count <= MOST_KEYS;
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    for (const key of waiting.keys) this.#own.push(key);
    for (const key of waiting.common) if (!this.#common.has(key)) this.#common.set(key, this.#common.size);
  }

  answer(values: Values): void {
    let from = 0;
    for (const { keys, common, resolve } of this.#waiting) {
      const its = values.slice(from, (from += keys.length));
      for (const key of common) its.push(values[this.#own.length + (this.#common.get(key) as number)] ?? null);
      resolve(its);
    }
  }

  fail(error: unknown): void {
    for (const { reject } of this.#waiting) reject(error);
  }
}

function areSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((key, at) => key === others[at]);
}

/** Not by ioredis's own method, which would keep it for a pipeline until the next turn of the event loop. */
export function mget(client: Redis, keys: readonly string[]): Promise<Values> {
  return client.sendCommand(new Command('mget', keys as string[], { replyEncoding: null })) as Promise<Values>;
}
