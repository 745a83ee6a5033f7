/**
 * How many processes of servers there may be at the same time, and who of their tenants gives way when there is no room.
 *
 * 1. One tenant holds at most seven times as many as are left (of 256: 224 alone; with others, less): there is always room for
 *    the next, however few there are left for him.
 * 2. For a tenant who wants one when none is left, one of those gives way who hold more than he would, who holds most first;
 *    of his own, what is idle. Nobody ends anything of a tenant who holds fewer.
 * 3. What gives way is what was idle longest; of those who hold more also what is only listened to. What somebody waits for
 *    an answer of never does.
 */
import { UpstreamError } from './upstream.js';

export interface Occupant {
  /** `performance.now()` of the latest sign of its client. */
  readonly usedAt: number;
  /** Somebody waits for an answer. */
  readonly answers: boolean;
  /** Somebody listens, or waits for an answer. */
  readonly busy: boolean;
  /** Its place is given back at once. */
  close(): unknown;
}

export interface Place {
  /** Who may be asked to give way. */
  occupy(occupant: Occupant): void;
  /** A second call does nothing. */
  leave(): void;
}

interface Held {
  readonly tenant: string;
  occupant: Occupant | null;
}

/** As buffers of switches are shared: a bound in proportion to what is free leaves some of it free (Choudhury and Hahne, 1998). */
export const TIMES_WHAT_IS_LEFT = 7;

export class Places {
  readonly #most: number;
  readonly #timesLeft: number;
  readonly #held = new Set<Held>();

  /** @param timesLeft so many times as many as are left one tenant may hold */
  constructor(most: number, timesLeft = Number.POSITIVE_INFINITY) {
    this.#most = most;
    this.#timesLeft = timesLeft;
  }

  /** @throws UpstreamError `upstream_too_busy` */
  take(tenant: string): Place {
    this.#makeRoomFor(tenant);
    const held: Held = { tenant, occupant: null };
    this.#held.add(held);
    return {
      occupy: (occupant) => void (held.occupant = occupant),
      leave: () => void this.#held.delete(held),
    };
  }

  #makeRoomFor(tenant: string): void {
    const counts = new Map<string, number>();
    for (const held of this.#held) counts.set(held.tenant, (counts.get(held.tenant) ?? 0) + 1);
    const countOf = (one: string): number => counts.get(one) ?? 0;
    const left = this.#most - this.#held.size;
    if (left > 0 && countOf(tenant) < this.#timesLeft * left) return;
    const yielding = [...this.#held].flatMap((held) => {
      const { occupant } = held;
      if (occupant === null || occupant.answers) return [];
      const holdsMore = left === 0 && countOf(held.tenant) > countOf(tenant) + 1;
      return holdsMore || (held.tenant === tenant && !occupant.busy) ? [{ occupant, count: countOf(held.tenant) }] : [];
    });
    const [first] = yielding.toSorted(
      (a, b) =>
        b.count - a.count || Number(a.occupant.busy) - Number(b.occupant.busy) || a.occupant.usedAt - b.occupant.usedAt,
    );
    if (first === undefined) {
      const message =
        left > 0
          ? 'This tenant has as many processes of MCP servers as one tenant may.'
          : 'There are as many processes of MCP servers as there may be.';
      throw new UpstreamError('upstream_too_busy', message);
    }
    first.occupant.close();
  }
}
