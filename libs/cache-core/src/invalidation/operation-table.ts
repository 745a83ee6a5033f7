import { keyspace } from '../keyspace/keyspace.js';
import type { KeyRef, ValueOf } from '../keyspace/family.js';
import { physicalKey } from '../keyspace/physical-key.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisLink } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { FamilyGlob } from './family-glob.js';
import type { PatternProgress } from './pattern-invalidation.js';

const KEEP = loadScript(new URL('./lua/keep-operation.lua', import.meta.url));
const CANCEL = loadScript(new URL('./lua/cancel-operation.lua', import.meta.url));
const LIST = loadScript(new URL('./lua/list-operation.lua', import.meta.url));

const { cacheOperation, cacheOperations } = keyspace;
const OPEN = cacheOperations.at({ state: 'open' });
/** However long an operation takes, and for a day after it. */
const KEPT_MS = 86_400_000;

export type OperationRef = KeyRef<typeof cacheOperation>;
export type OperationRecord = ValueOf<typeof cacheOperation>;
export type OperationState = OperationRecord['state'];

/** What is written of an operation by the process that carries it out. */
export interface OperationFacts {
  readonly glob: FamilyGlob;
  readonly dryRun: boolean;
  readonly startedAt: Date;
  readonly progress: PatternProgress;
  /** Of what is deleted, what this process has not told of yet. */
  readonly untold: number;
  /** That it has come to its end, and how. */
  readonly ended?: 'done' | 'cancelled' | 'failed';
}

/** Operations as they stand in Redis. Everything throws `RedisUnavailableError`. */
export class OperationTable {
  readonly #link: RedisLink;
  readonly #keyPrefix: string;
  readonly #owner: string;
  readonly #ownedMs: number;

  constructor(
    link: RedisLink,
    settings: { readonly keyPrefix: string; readonly owner: string; readonly ownedMs: number },
  ) {
    this.#link = link;
    this.#keyPrefix = settings.keyPrefix;
    this.#owner = settings.owner;
    this.#ownedMs = settings.ownedMs;
  }

  /** Makes its record, so that others find it from now on. */
  async begin(ref: OperationRef, facts: OperationFacts): Promise<void> {
    // The name first: one without a record is taken away in time, a record without a name would never be taken over.
    const began = facts.startedAt.getTime();
    await this.#link.run(LIST, [physicalKey(this.#keyPrefix, OPEN.key)], ['add', ref.key, began, KEPT_MS]);
    await this.#keep(ref, 'new', this.#ownedMs, facts);
  }

  /** Its state as it stands there; `other`: somebody else carries it out by now. */
  keep(ref: OperationRef, facts?: OperationFacts): Promise<OperationState | 'other' | 'none'> {
    return this.#keep(ref, 'known', this.#ownedMs, facts);
  }

  /** As `keep`, and from now on whoever looks first may carry it out. */
  release(ref: OperationRef, facts: OperationFacts): Promise<OperationState | 'other' | 'none'> {
    return this.#keep(ref, 'known', 0, facts);
  }

  cancel(ref: OperationRef): Promise<OperationState | 'none'> {
    return this.#link.run(CANCEL, [this.#keyOf(ref)], []) as Promise<OperationState | 'none'>;
  }

  /** Takes it away from those that somebody has to look after. */
  async close(key: string): Promise<void> {
    await this.#link.run(LIST, [physicalKey(this.#keyPrefix, OPEN.key)], ['remove', key]);
  }

  /** Null where there is none, or none that this process can read: one of a version to come is others' to look after. */
  async read(key: string): Promise<OperationRecord | null> {
    const physical = physicalKey(this.#keyPrefix, key);
    try {
      const fields = await this.#link.readAt(physical, (client) => client.hgetall(physical));
      return Object.keys(fields).length === 0 ? null : cacheOperation.value.decode(fields);
    } catch (error) {
      if (error instanceof RedisUnavailableError) throw error;
      return null;
    }
  }

  /** Keys of those that have not ended, with when they began. */
  async open(): Promise<ReadonlyMap<string, number>> {
    const physical = physicalKey(this.#keyPrefix, OPEN.key);
    const flat = await this.#link.readAt(physical, (client) => client.zrange(physical, 0, -1, 'WITHSCORES'));
    const found = new Map<string, number>();
    for (let at = 0; at < flat.length; at += 2) found.set(flat[at] as string, Number(flat[at + 1]));
    return found;
  }

  /** Milliseconds since the epoch, by the clock by which operations are owned. */
  now(key: string): number {
    return this.#link.now(physicalKey(this.#keyPrefix, key));
  }

  async #keep(
    ref: OperationRef,
    may: 'new' | 'known',
    ownedMs: number,
    facts?: OperationFacts,
  ): Promise<OperationState | 'other' | 'none'> {
    const fields = facts === undefined ? [] : Object.entries(fieldsOf(facts)).flat();
    const args = [this.#owner, ownedMs, KEPT_MS, may, facts?.untold ?? 0, ...fields];
    return (await this.#link.run(KEEP, [this.#keyOf(ref)], args)) as OperationState | 'other' | 'none';
  }

  #keyOf(ref: OperationRef): string {
    return physicalKey(this.#keyPrefix, ref.key);
  }
}

function fieldsOf({ glob, dryRun, startedAt, progress, ended }: OperationFacts): Record<string, string> {
  const now = new Date().toISOString();
  return {
    tenant: glob.tenant,
    pattern: glob.text,
    dry_run: String(dryRun),
    progress: JSON.stringify(progress),
    started_at: startedAt.toISOString(),
    updated_at: now,
    ...(ended === undefined ? {} : { state: ended, ended_at: now }),
  };
}
