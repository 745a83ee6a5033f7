import {
  companions,
  keyspace,
  loadScript,
  physicalKey,
  RedisUnavailableError,
  type RedisLink,
  type RedisRoles,
} from '@promptsales/cache-core';
import { v7 as uuidv7 } from 'uuid';
import { PRIORITIES, type Priority } from '../job/priority.js';

const TAKE = loadScript(new URL('./lua/take-entries.lua', import.meta.url));
const END_MOVES = loadScript(new URL('./lua/end-moves.lua', import.meta.url));

/** One list of the intake. */
export interface IntakeList {
  readonly tenant: string;
  readonly priority: Priority;
}

/** An entry that has left its list, booked under the id of the job that it becomes. */
export interface Move {
  readonly id: string;
  /** Its first `MOST_ENTRY_BYTES`. */
  readonly entry: Buffer;
  /** Of the whole entry. */
  readonly bytes: number;
  readonly takenAtMs: number;
}

/** How much lies in a list and on its way out of it; null where a list cannot be counted, because it is none. */
export interface ListDepth {
  readonly waiting: number | null;
  readonly moving: number;
}

/** Longer ones are malformed, and are cut off here. */
export const MOST_ENTRY_BYTES = 64 * 1024;

/** The lists that applications push to, as they lie in Redis. All throw `RedisUnavailableError`. */
export class IntakeLists {
  readonly #link: RedisLink;
  readonly #keyPrefix: string;

  constructor(roles: RedisRoles, keyPrefix = '') {
    this.#link = roles.link('state');
    this.#keyPrefix = keyPrefix;
  }

  async depths(tenant: string): Promise<ReadonlyMap<Priority, ListDepth>> {
    const depths = PRIORITIES.map(async (priority) => {
      const { list, moves } = this.#keysOf({ tenant, priority });
      const [waiting, moving] = await Promise.all([
        this.#link.readAt(list, (client) => client.llen(list)).catch(notAList),
        this.#link.readAt(moves, (client) => client.hlen(moves)),
      ]);
      return [priority, { waiting, moving }] as const;
    });
    return new Map(await Promise.all(depths));
  }

  /** Takes the oldest entries, so many at most, and books each under an id of its own. Nearly always there are none. */
  async take(from: IntakeList, most: number): Promise<Move[]> {
    const { list, moves } = this.#keysOf(from);
    const waiting = await this.#link.readAt(list, (client) => client.llen(list));
    if (waiting === 0) return [];
    const ids = Array.from({ length: Math.min(waiting, most) }, () => uuidv7());
    const taken = (await this.#link.run(TAKE, [list, moves], [MOST_ENTRY_BYTES, ...ids])) as number;
    if (taken === 0) return [];
    const mine = ids.slice(0, taken);
    // Read by itself: what a script returns is decoded as text, and an entry may be none.
    const booked = await this.#link.readAt(moves, (client) => client.hmgetBuffer(moves, ...mine));
    return mine.flatMap((id, at) => {
      const booking = booked[at];
      // Somebody has found it late and has ended it.
      return booking === null || booking === undefined ? [] : [moveOf(id, booking)];
    });
  }

  /** Moves that began so long ago: whoever began them may be gone. */
  async left(from: IntakeList, olderThanMs: number): Promise<Move[]> {
    const { moves } = this.#keysOf(from);
    const booked = await this.#link.readAt(moves, (client) => client.hgetallBuffer(moves));
    const before = this.#link.now(moves) - olderThanMs;
    return Object.entries(booked)
      .map(([id, booking]) => moveOf(id, booking))
      .filter(({ takenAtMs }) => takenAtMs <= before)
      .toSorted((one, other) => one.takenAtMs - other.takenAtMs);
  }

  async end(from: IntakeList, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { moves } = this.#keysOf(from);
    await this.#link.run(END_MOVES, [moves], ids);
  }

  #keysOf({ tenant, priority }: IntakeList): { readonly list: string; readonly moves: string } {
    const ref = keyspace.queueAiGeneration.at({ priority }, tenant);
    return { list: physicalKey(this.#keyPrefix, ref.key), moves: companions.moves.beside(ref, this.#keyPrefix) };
  }
}

/** Somebody has put another type there. */
function notAList(error: unknown): null {
  if (error instanceof RedisUnavailableError) throw error;
  return null;
}

function moveOf(id: string, booking: Buffer): Move {
  const afterTime = booking.indexOf(' ');
  const afterLength = booking.indexOf(' ', afterTime + 1);
  return {
    id,
    takenAtMs: Number(booking.toString('latin1', 0, afterTime)),
    bytes: Number(booking.toString('latin1', afterTime + 1, afterLength)),
    entry: booking.subarray(afterLength + 1),
  };
}
