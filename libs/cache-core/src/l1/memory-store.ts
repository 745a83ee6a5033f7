/**
 * Entries by key, bounded by the bytes that each is said to take: S3-FIFO (Yang et al., "FIFO queues are all you need for
 * cache eviction", SOSP 2023). Why not an LRU: see docs/decisions/0088.
 *
 * - What is new stands in a small queue, a tenth of the whole. What comes to its front without having been read since
 *   is gone, so a scan passes through the small queue and leaves the rest alone.
 * - What has been read moves to the main queue, where it is given another round for each of up to three readings.
 * - What was dropped from the small queue is remembered for a while by a fingerprint; if it comes back, it goes straight
 *   to the main queue.
 *
 * A reading is a look into a map and an increment: nothing is moved.
 */
import { hashOf } from './hash.js';

const SMALL_SHARE = 0.1;
const MOST_ROUNDS = 3;
/** No single entry takes more than this share: the others would all have to go for it. */
const LARGEST_SHARE = 1 / 16;

interface Held<E> {
  readonly key: string;
  readonly entry: E;
  readonly bytes: number;
  rounds: number;
  queue: Queue<E>;
  before: Held<E> | null;
  behind: Held<E> | null;
}

export class MemoryStore<E> {
  readonly #byKey = new Map<string, Held<E>>();
  readonly #small = new Queue<E>();
  readonly #main = new Queue<E>();
  readonly #dropped = new Dropped();
  readonly #most: number;
  readonly #mostSmall: number;
  readonly #largest: number;

  constructor(maxBytes: number) {
    this.#most = maxBytes;
    this.#mostSmall = maxBytes * SMALL_SHARE;
    this.#largest = maxBytes * LARGEST_SHARE;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get bytes(): number {
    return this.#small.bytes + this.#main.bytes;
  }

  get(key: string): E | undefined {
    const held = this.#byKey.get(key);
    if (held === undefined) return undefined;
    if (held.rounds < MOST_ROUNDS) held.rounds += 1;
    return held.entry;
  }

  /** False for one that is too large. What the key held before is gone in any case. */
  set(key: string, entry: E, bytes: number): boolean {
    this.delete(key);
    if (bytes > this.#largest) return false;
    const queue = this.#dropped.take(key, this.size) ? this.#main : this.#small;
    const held: Held<E> = { key, entry, bytes, rounds: 0, queue, before: null, behind: null };
    this.#byKey.set(key, held);
    queue.push(held);
    while (this.bytes > this.#most) this.#makeRoom();
    return true;
  }

  delete(key: string): void {
    const held = this.#byKey.get(key);
    if (held !== undefined) this.#remove(held);
  }

  deleteWhere(goes: (entry: E, key: string) => boolean): void {
    for (const held of this.#byKey.values()) if (goes(held.entry, held.key)) this.#remove(held);
  }

  clear(): void {
    this.deleteWhere(() => true);
  }

  #remove(held: Held<E>): void {
    this.#byKey.delete(held.key);
    held.queue.remove(held);
  }

  /** Ends: each step takes an entry out, moves one out of the small queue for good, or takes a round from one. */
  #makeRoom(): void {
    const fromSmall = this.#small.bytes > this.#mostSmall || this.#main.front === null;
    const held = (fromSmall ? this.#small : this.#main).front as Held<E>;
    if (held.rounds > 0) {
      held.queue.remove(held);
      held.rounds = fromSmall ? 0 : held.rounds - 1;
      held.queue = this.#main;
      this.#main.push(held);
      return;
    }
    this.#remove(held);
    if (fromSmall) this.#dropped.add(held.key);
  }
}

/** First in, first out, and whatever is in it can be taken out. */
class Queue<E> {
  front: Held<E> | null = null;
  bytes = 0;
  #back: Held<E> | null = null;

  push(held: Held<E>): void {
    held.before = this.#back;
    held.behind = null;
    if (this.#back === null) this.front = held;
    else this.#back.behind = held;
    this.#back = held;
    this.bytes += held.bytes;
  }

  remove(held: Held<E>): void {
    if (held.before === null) this.front = held.behind;
    else held.before.behind = held.behind;
    if (held.behind === null) this.#back = held.before;
    else held.behind.before = held.before;
    this.bytes -= held.bytes;
  }
}

const FINGERPRINTS = 32_768;

/** Fingerprints of what was dropped lately, in constant memory. Where two share a place, the later one has it. */
class Dropped {
  readonly #hashes = new Uint32Array(FINGERPRINTS);
  readonly #at = new Float64Array(FINGERPRINTS);
  #count = 0;

  add(key: string): void {
    const hash = hashOf(key);
    const place = hash % FINGERPRINTS;
    this.#count += 1;
    this.#hashes[place] = hash;
    this.#at[place] = this.#count;
  }

  /** Whether the key was among the last `latest` that were dropped. It is forgotten. */
  take(key: string, latest: number): boolean {
    const hash = hashOf(key);
    const place = hash % FINGERPRINTS;
    const at = this.#at[place] as number;
    if (at === 0 || this.#hashes[place] !== hash || this.#count - at >= latest) return false;
    this.#at[place] = 0;
    return true;
  }
}
