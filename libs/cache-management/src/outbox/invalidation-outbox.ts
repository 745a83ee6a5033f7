/**
 * Invalidations of entries whose truth is in PostgreSQL.
 *
 * What has changed there and what is cached of it can only be kept in step if an invalidation is as lasting as the change:
 * a process may die between the two. So the transaction of the change itself writes down what is to be invalidated.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. A change and its invalidations are committed together, or neither is.
 * 2. When `committing` returns, what was changed is invalidated in Redis, so that whoever reads through the platform after
 *    the acknowledgement reads what was committed. While this process cannot reach Redis, it is pending here, as all
 *    invalidations are, and in the outbox for all others. `committing` then waits until one of them has carried it out, or
 *    until every relay has seen it and none could: what a relay could not carry out, its process reads past Redis.
 * 3. A row goes only when its invalidation was carried out (`pending: false`) after the row was committed. Carried out is
 *    each at least once; twice costs a miss.
 * 4. Of one subject, the rows are carried out in the order in which they were written, one relay at a time.
 */
import {
  type Cache,
  entryParts,
  catalogue,
  ROLES,
  KeyspaceError,
  type Family,
  type KeyRef,
} from '@promptsales/cache-core';
import type { Database } from '@promptsales/database';
import type { Kysely, Transaction } from 'kysely';
import { setTimeout } from 'node:timers/promises';
import { anyRowLeft, deleteRows, noteRows, type OutboxSubject, type OutboxTables } from './outbox-rows.js';

/** What a change makes outdated. */
export interface Outdated {
  /** `keyspace.lead.at({ uuid }, tenant)` */
  readonly keys?: readonly KeyRef[];
  readonly tags?: readonly TenantsName[];
  readonly namespaces?: readonly TenantsName[];
  /** All entries of a family. */
  readonly families?: readonly { readonly family: Family; readonly tenant: string }[];
}

export interface TenantsName {
  readonly name: string;
  readonly tenant: string;
}

/** What one transaction has noted. */
export interface Noted {
  readonly subjects: readonly OutboxSubject[];
  readonly rowIds: readonly string[];
}

export interface OutboxObserver {
  /** So many invalidations were carried out, by the writer or by the relay. `lagMs`: how long the oldest had waited for it. */
  carriedOut?(by: 'writer' | 'relay', count: number, lagMs: number): void;
  /** So many wait for Redis. */
  waiting?(count: number): void;
  /** The database could not be asked; it is tried again. */
  trouble?(error: unknown): void;
}

/** How long it takes at most to say that what was committed is invalidated: the row is the relay's otherwise. */
const SETTLE_MS = 1000;
/** Longer than a relay leaves a row alone, plus the pause between its rounds. */
const UNTIL_SEEN_MS = 1000;
const LOOK_EVERY_MS = 50;
const AT_ONCE = 200;

export class InvalidationOutbox {
  readonly #cache: Cache;
  readonly #database: Database;
  readonly #observer: OutboxObserver;

  constructor(cache: Cache, database: Database, observer: OutboxObserver = {}) {
    this.#cache = cache;
    this.#database = database;
    this.#observer = observer;
  }

  /**
   * Does `work` in a transaction, and invalidates what it names once that is committed. This is how records are written.
   * @throws what `work` and the database throw; then nothing was changed, or it is unknown
   */
  async committing<Tables, T>(
    work: (transaction: Transaction<Tables>, outdate: (outdated: Outdated) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const noted: Noted[] = [];
    try {
      return await this.#database
        .as<Tables>()
        .transaction()
        .execute((transaction) =>
          work(transaction, async (outdated) => {
            noted.push(await this.add(transaction, outdated));
          }),
        );
    } finally {
      // Also when it failed: whether it was committed may be unknown.
      const left: string[] = [];
      for (const one of noted) left.push(...(await this.settle(one)));
      if (left.length > 0) await this.#untilSeen(left);
    }
  }

  /**
   * Notes what a transaction makes outdated, for callers that have one of their own: they call `settle` once it is committed.
   * @throws KeyspaceError `labels` for a family that cannot be invalidated as a whole
   */
  async add<Tables>(transaction: Transaction<Tables>, outdated: Outdated): Promise<Noted> {
    const subjects = subjectsOf(outdated);
    return { subjects, rowIds: subjects.length === 0 ? [] : await noteRows(transaction, subjects) };
  }

  /**
   * Carries out what was committed. Never throws: what could not be done now is done by a relay.
   * @returns the rows that are left to one
   */
  async settle({ subjects, rowIds }: Noted): Promise<readonly string[]> {
    if (subjects.length === 0) return [];
    const done = await this.carryOut(subjects);
    const ids = rowIds.filter((_, at) => done[at]);
    this.#observer.carriedOut?.('writer', ids.length, 0);
    try {
      await this.#database.withDeadline(SETTLE_MS, () => deleteRows(this.#db, ids));
    } catch (error) {
      this.#observer.trouble?.(error);
    }
    return rowIds.filter((_, at) => !done[at]);
  }

  /** Whether each of these was carried out, and is not pending. */
  async carryOut(subjects: readonly OutboxSubject[]): Promise<boolean[]> {
    const each: boolean[] = [];
    for (let from = 0; from < subjects.length; from += AT_ONCE) {
      const some = subjects.slice(from, from + AT_ONCE);
      each.push(...(await Promise.all(some.map((subject) => this.#invalidate(subject)))));
    }
    const waiting = each.filter((done) => !done).length;
    if (waiting > 0) this.#observer.waiting?.(waiting);
    return each;
  }

  /** Until other processes have carried these rows out, or have had the time to see that they cannot. */
  async #untilSeen(rowIds: readonly string[]): Promise<void> {
    const until = performance.now() + UNTIL_SEEN_MS;
    try {
      while (performance.now() < until) {
        await setTimeout(LOOK_EVERY_MS);
        if (!(await this.#database.withDeadline(SETTLE_MS, () => anyRowLeft(this.#db, rowIds)))) return;
      }
    } catch (error) {
      this.#observer.trouble?.(error);
    }
  }

  get #db(): Kysely<OutboxTables> {
    return this.#database.as<OutboxTables>();
  }

  async #invalidate({ kind, tenant, family: id, subject }: OutboxSubject): Promise<boolean> {
    if (kind === 'tag') return !(await this.#cache.invalidateTag(subject, tenant)).pending;
    if (kind === 'namespace') return !(await this.#cache.invalidateNamespace(subject, tenant)).pending;
    const family = catalogue.family(id ?? subject);
    if (family === undefined) return false;
    if (kind === 'family') return !(await this.#cache.invalidateFamily(family, tenant)).pending;
    return !(await this.#cache.invalidate({ ref: { family, tenant, key: subject }, parts: entryParts })).pending;
  }
}

function subjectsOf({ keys = [], tags = [], namespaces = [], families = [] }: Outdated): OutboxSubject[] {
  for (const { family } of families) {
    if (ROLES[family.role].evictable) continue;
    throw new KeyspaceError('labels', `keys of role ${family.role} are invalidated one by one`, { family: family.id });
  }
  return [
    ...keys.map(({ family, tenant, key }) => ({ kind: 'key' as const, tenant, family: family.id, subject: key })),
    ...tags.map(({ name, tenant }) => ({ kind: 'tag' as const, tenant, family: null, subject: name })),
    ...namespaces.map(({ name, tenant }) => ({ kind: 'namespace' as const, tenant, family: null, subject: name })),
    ...families.map(({ family, tenant }) => ({
      kind: 'family' as const,
      tenant,
      family: family.id,
      subject: family.id,
    })),
  ];
}
