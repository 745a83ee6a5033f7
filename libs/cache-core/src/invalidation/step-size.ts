/**
 * How much to ask of a server in one step, so that it is not held for longer than it should be.
 *
 * What a step costs the server cannot be asked. A round trip is the way there and back and the work; the way is known from
 * a step that is as small as can be (the first, and again every `MEASURED_EVERY` steps). Whatever else makes a round trip
 * long, a busy server or a busy process, only makes the steps smaller.
 */
export interface StepBounds {
  readonly least: number;
  readonly most: number;
  /** What a step should cost the server. */
  readonly targetMs: number;
}

const MEASURED_EVERY = 64;

export class StepSize {
  readonly #bounds: StepBounds;
  #size: number;
  #steps = 0;
  #wayMs = 0;
  #tooLong = false;

  constructor(bounds: StepBounds) {
    this.#bounds = bounds;
    this.#size = bounds.least;
  }

  get next(): number {
    return this.#isMeasuring ? this.#bounds.least : this.#size;
  }

  /** How long the step of the size that `next` told took, from here and back. */
  took(ms: number): void {
    const { least, most, targetMs } = this.#bounds;
    const measuring = this.#isMeasuring;
    this.#steps += 1;
    this.#wayMs = measuring ? ms : Math.min(this.#wayMs, ms);
    if (measuring && this.#steps > 1) return;
    const workMs = ms - this.#wayMs;
    const tooLong = workMs > targetMs;
    // Once may be anything; a server that is slow is so again.
    if (tooLong && this.#tooLong) this.#size = Math.max(least, Math.floor(this.#size / 2));
    this.#tooLong = tooLong && !this.#tooLong;
    if (workMs < targetMs / 2) this.#size = Math.min(most, Math.ceil(this.#size * 1.5));
  }

  get #isMeasuring(): boolean {
    return this.#steps % MEASURED_EVERY === 0;
  }
}
