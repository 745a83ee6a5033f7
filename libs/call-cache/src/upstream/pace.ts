/**
 * How long a body may keep somebody waiting in all: `graceMs`, and a second more for every 16 KiB of it. Long bodies never meet
 * that bound, and one that only trickles does. Time in which nobody waits for it does not count.
 */
const SLOWEST_BYTES_PER_SECOND = 16 * 1024;

export class Pace {
  #leftMs: number;

  constructor(graceMs: number) {
    this.#leftMs = graceMs;
  }

  /** For how long it may still be waited for. */
  get leftMs(): number {
    return Math.max(0, this.#leftMs);
  }

  /** @param bytes what came of it then */
  waited(ms: number, bytes: number): void {
    this.#leftMs += (bytes / SLOWEST_BYTES_PER_SECOND) * 1000 - ms;
  }
}
