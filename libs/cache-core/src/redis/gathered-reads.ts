import { Command, type Redis } from 'ioredis';

/**
 * Reads of strings that are asked for in one turn of the event loop leave as one MGET: one command to write, one reply to
 * take apart and one deadline for all of them, where a pipeline has each of these for every caller.
 *
 * Callers who want the same keys share one read of them: a thousand callers of one entry cost what one costs. What they get
 * is the same to the byte, and nobody may write into it.
 *
 * Invariants
 * 1. The keys of one caller are never parted, so that what he gets stood beside each other at one moment.
 * 2. A value once seen to be large travels alone from then on, behind the small ones of its turn. A reply is there when its
 *    last byte is, so whoever shares a command with 16 MB waits for all of them, and shares their time-out.
 * 3. A read is shared only until it is sent. What a caller gets was read after he asked.
 */
export type Values = readonly (Buffer | null)[];

/** Twenty callers who read an entry: where sharing a command has long paid off, and few enough to fail together. */
const MOST_KEYS = 60;
/** Above this the bytes cost more than the command. */
const LARGE_BYTES = 64 * 1024;
const REMEMBERED_LARGE = 1000;

interface Waiting {
  readonly keys: readonly string[];
  readonly values: Promise<Values>;
  readonly resolve: (values: Values) => void;
  readonly reject: (error: unknown) => void;
}

function waitingFor(keys: readonly string[]): Waiting {
  const { promise, resolve, reject } = Promise.withResolvers<Values>();
  return { keys, values: promise, resolve, reject };
}

export class GatheredReads {
  readonly #send: (keys: readonly string[]) => Promise<Values>;
  #waiting: Waiting[] = [];
  #keys = 0;
  #alone: Waiting[] = [];
  /** The latest of those who wait, by their first key. */
  readonly #shared = new Map<string, Waiting>();
  /** Keys whose values were large when last read, oldest first. */
  readonly #large = new Set<string>();

  constructor(send: (keys: readonly string[]) => Promise<Values>) {
    this.#send = send;
  }

  read(keys: readonly string[]): Promise<Values> {
    const [first = ''] = keys;
    const shared = this.#shared.get(first);
    if (shared !== undefined && areSame(shared.keys, keys)) return shared.values;
    // After the sockets have been read: every request that came in this turn is aboard.
    if (this.#waiting.length === 0 && this.#alone.length === 0) setImmediate(() => this.#leave());
    const waiting = waitingFor(keys);
    const large = this.#large.size > 0 && keys.some((key) => this.#large.has(key));
    if (large) {
      this.#alone.push(waiting);
    } else {
      if (this.#keys > 0 && this.#keys + keys.length > MOST_KEYS) this.#leaveTogether();
      this.#keys += keys.length;
      this.#waiting.push(waiting);
    }
    this.#shared.set(first, waiting);
    return waiting.values;
  }

  #leave(): void {
    this.#leaveTogether();
    const alone = this.#alone;
    this.#alone = [];
    this.#shared.clear();
    for (const waiting of alone) this.#sendFor([waiting], waiting.keys);
  }

  #leaveTogether(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#keys = 0;
    // They are sent now, and shared no more.
    this.#shared.clear();
    const keys: string[] = [];
    for (const one of waiting) keys.push(...one.keys);
    this.#sendFor(waiting, keys);
  }

  #sendFor(waiting: readonly Waiting[], keys: readonly string[]): void {
    this.#send(keys).then(
      (values) => {
        this.#notice(keys, values);
        let from = 0;
        for (const one of waiting) one.resolve(values.slice(from, (from += one.keys.length)));
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
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

function areSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((key, at) => key === others[at]);
}

/** Not by ioredis's own method, which would keep it for a pipeline until the next turn of the event loop. */
export function mget(client: Redis, keys: readonly string[]): Promise<Values> {
  return client.sendCommand(new Command('mget', [...keys], { replyEncoding: null })) as Promise<Values>;
}
