/**
 * The monotonic clock, for code that asks it millions of times a second.
 *
 * Reading the clock costs more than the rest of a hit. In a burst, which is many readings in one turn of the event loop,
 * it is read for every sixteenth only; a turn's first readings, and single ones, are always of the moment. So a process
 * that was stopped learns of it at the latest fifteen readings into the turn in which it was stopped, and a loop that
 * never lets go of its turn is bounded as well.
 */
const BURST_GAP_MS = 0.02;
const BURST_AFTER = 8;
const READINGS_SAVED = 15;

export class TurnClock {
  readonly #read: () => number;
  readonly #atEndOfTurn: (then: () => void) => void;
  #last = Number.NEGATIVE_INFINITY;
  #quick = 0;
  #saved = 0;
  #armed = false;

  constructor(
    read: () => number = () => performance.now(),
    atEndOfTurn: (then: () => void) => void = (then) => void setImmediate(then),
  ) {
    this.#read = read;
    this.#atEndOfTurn = atEndOfTurn;
  }

  now(): number {
    if (this.#saved > 0) {
      this.#saved -= 1;
      return this.#last;
    }
    return this.#fresh();
  }

  #fresh(): number {
    const now = this.#read();
    this.#quick = now - this.#last < BURST_GAP_MS ? this.#quick + 1 : 0;
    this.#last = now;
    if (this.#quick < BURST_AFTER) return now;
    this.#saved = READINGS_SAVED;
    if (!this.#armed) {
      this.#armed = true;
      this.#atEndOfTurn(() => this.#endBurst());
    }
    return now;
  }

  #endBurst(): void {
    this.#armed = false;
    this.#saved = 0;
    this.#quick = 0;
  }
}
