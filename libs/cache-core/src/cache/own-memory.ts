import type { KeyRef } from '../keyspace/family.js';
import { physicalKey } from '../keyspace/physical-key.js';
import type { L1, L1Status, Ticket } from '../l1/l1.js';
import type { RedisLink } from '../redis/link.js';
import type { EntryKeys, Reading } from './entry.js';
import type { Hit } from './judgement.js';
import type { Look } from './lookup.js';

/** L1 as the protocol uses it; where there is none, it finds and keeps nothing. */
export class OwnMemory {
  readonly #l1: L1 | null;
  readonly #keyPrefix: string;

  constructor(l1: L1 | null, keyPrefix: string) {
    this.#l1 = l1;
    this.#keyPrefix = keyPrefix;
  }

  get status(): L1Status | null {
    return this.#l1?.status ?? null;
  }

  peek<T>({ ref: { family, key, tenant }, decode }: Reading<T>): Hit<T> | undefined {
    if (this.#l1 === null || !family.l1) return undefined;
    return this.#l1.get<T>(physicalKey(this.#keyPrefix, key), decode, tenant);
  }

  /** The value, while it is fresh. */
  peekFresh<T>({ family, key, tenant }: KeyRef, decode: Reading<T>['decode']): Hit<T> | undefined {
    if (this.#l1 === null || !family.l1) return undefined;
    return this.#l1.getFresh<T>(physicalKey(this.#keyPrefix, key), decode, tenant);
  }

  /** Whether a reader would be served here, in whichever form; null where nothing is ever kept. */
  serves({ family, key, tenant }: KeyRef): boolean | null {
    if (this.#l1 === null || !family.l1) return null;
    return this.#l1.serves(physicalKey(this.#keyPrefix, key), tenant);
  }

  /** Before a look at Redis. Null: what it sees cannot be kept. */
  ticket({ ref: { family } }: Reading<unknown>, link: RedisLink): Ticket | null {
    return this.#l1?.ticket(link, family) ?? null;
  }

  /** Keeps what a look found, for as long as neither the entry nor any version that it records changes. */
  keep<T>(ticket: Ticket | null, reading: Reading<T>, keys: EntryKeys, { found, under }: Look<T>): void {
    if (ticket === null || found.kind !== 'hit') return;
    // An absence, or an empty list: nothing lies at its key, so nobody is told when it is invalidated.
    if (found.madeFromBytes === 0) return;
    this.#l1?.keep(ticket, {
      key: keys.value,
      hit: found.hit,
      tenant: reading.ref.tenant,
      decoder: reading.decode,
      madeFromBytes: found.madeFromBytes,
      dependsOn: under,
    });
  }

  /** What this process is about to change, or has changed, is nothing that it may serve. */
  forget({ value }: Pick<EntryKeys, 'value'>): void {
    this.#l1?.drop(value);
  }

  /** The same for all entries whose keys begin so. */
  forgetRoot(root: string): void {
    this.#l1?.dropWhere((key) => key.startsWith(root));
  }

  /** The same for all that depends on a version. */
  forgetUnder(versionKey: string): void {
    this.#l1?.drop(versionKey);
  }

  close(): void {
    this.#l1?.close();
  }
}
