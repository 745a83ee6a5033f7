/** How many things there may be at the same time, whoever has them. */
export class Places {
  #left: number;

  constructor(most: number) {
    this.#left = most;
  }

  get left(): number {
    return this.#left;
  }

  /** @returns gives the place back; a second call does nothing */
  take(): () => void {
    this.#left -= 1;
    let taken = true;
    return () => {
      if (taken) this.#left += 1;
      taken = false;
    };
  }
}
