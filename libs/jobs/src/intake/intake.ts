/**
 * From the lists of the intake to jobs in PostgreSQL: each entry becomes one job, or one dead letter.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. An entry is in its list, or booked under the id that its job will have, or stands in PostgreSQL under that id; never
 *    nowhere. It leaves the list and is booked by one script, and its booking goes only when its row is committed.
 * 2. Every step may be done again by anybody: the row is inserted once by its id, and a booking that is gone is gone. So
 *    whoever finds an old booking completes the move, and it does not matter whether the one who began it is dead, stopped,
 *    or only slow. (The queue that runs jobs is filled from PostgreSQL: see pump.ts.)
 * 3. An entry that is no request costs itself: it is moved like any other, to the dead letters.
 * 4. A list that cannot be read (another type lies there) holds up no other list.
 * 5. Nothing is taken while PostgreSQL cannot be asked: the entries stay in the lists, in their order, and the bookings few.
 */
import { RedisUnavailableError } from '@promptsales/cache-core';
import { PRIORITIES } from '../job/priority.js';
import type { JobStore } from '../store/job-store.js';
import { readEntry } from './intake-entry.js';
import type { IntakeList, IntakeLists, Move } from './intake-lists.js';

export interface IntakeObserver {
  /** Entries that have become jobs, or dead letters. */
  moved?(jobs: number, malformed: number): void;
  /** Moves that somebody else had begun. */
  repaired?(moves: number): void;
  /** A list could not be emptied; it is tried again. */
  failed?(list: IntakeList, error: unknown): void;
}

export interface IntakeParts {
  readonly lists: Pick<IntakeLists, 'take' | 'left' | 'end'>;
  readonly store: Pick<JobStore, 'admit' | 'reachable'>;
  /** Whose lists there may be. */
  readonly tenants: () => Promise<readonly string[]>;
  readonly observer?: IntakeObserver;
  /** A move that takes longer is completed by whoever finds it. @default 5 s */
  readonly repairAfterMs?: number;
}

const BATCH = 50;
/** Of a list in one turn: who is behind is not to keep jobs from the queue. */
const MOST_BATCHES = 20;
const REPAIR_AFTER_MS = 5_000;

export class Intake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Empties every list, up to a bound; answers how many entries were moved. */
  async turn(): Promise<number> {
    await this.#parts.store.reachable();
    const lists = await this.#lists();
    const moved = await Promise.all(lists.map((list) => this.#guarded(list, () => this.#empty(list))));
    return sum(moved);
  }

  /** Completes the moves that were left under way. */
  async repair(): Promise<number> {
    const { repairAfterMs = REPAIR_AFTER_MS, lists, observer } = this.#parts;
    const repaired = await Promise.all(
      (await this.#lists()).map((list) =>
        this.#guarded(list, async () => {
          const left = await lists.left(list, repairAfterMs);
          for (let at = 0; at < left.length; at += BATCH) await this.#complete(list, left.slice(at, at + BATCH));
          return left.length;
        }),
      ),
    );
    const total = sum(repaired);
    if (total > 0) observer?.repaired?.(total);
    return total;
  }

  async #lists(): Promise<IntakeList[]> {
    const tenants = await this.#parts.tenants();
    return PRIORITIES.flatMap((priority) => tenants.map((tenant) => ({ tenant, priority })));
  }

  async #empty(list: IntakeList): Promise<number> {
    let total = 0;
    for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
      const moves = await this.#parts.lists.take(list, BATCH);
      await this.#complete(list, moves);
      total += moves.length;
      if (moves.length < BATCH) break;
    }
    return total;
  }

  async #complete(list: IntakeList, moves: readonly Move[]): Promise<void> {
    if (moves.length === 0) return;
    const { store, lists, observer } = this.#parts;
    const read = moves.map((move) => ({ ...list, ...move, ...readEntry(move) }));
    const jobs = read.filter((entry) => entry.kind === 'request');
    const malformed = read.filter((entry) => entry.kind === 'malformed');
    await store.admit(jobs, malformed);
    await lists.end(
      list,
      moves.map(({ id }) => id),
    );
    observer?.moved?.(jobs.length, malformed.length);
  }

  async #guarded(list: IntakeList, work: () => Promise<number>): Promise<number> {
    try {
      return await work();
    } catch (error) {
      this.#parts.observer?.failed?.(list, error);
      // `refused`: Redis is there, and says something about this list.
      if (error instanceof RedisUnavailableError && error.trouble !== 'refused') throw error;
      return 0;
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
