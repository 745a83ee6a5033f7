const NEWLINE = 0x0a;

/** A line as bytes without its end, or one that was too long to be kept. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Null: longer than may be. */
  readonly bytes: Buffer | null;
}

/** Cuts a stream of bytes into lines, holding no more of it than one line and one chunk. */
export class LineCutter {
  readonly #longest: number;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #overlong = false;
  #number = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  /** The lines that end in this chunk. */
  *push(chunk: Buffer): Generator<Line> {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end === -1) break;
      yield this.#line(chunk.subarray(from, end));
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** What stands behind the last newline, if anything. */
  *end(): Generator<Line> {
    if (this.#restBytes > 0 || this.#overlong) yield this.#line(Buffer.alloc(0));
  }

  #line(last: Buffer): Line {
    this.#keep(last);
    this.#number += 1;
    const [only] = this.#rest;
    const whole = this.#rest.length === 1 && only !== undefined ? only : Buffer.concat(this.#rest);
    const line = { number: this.#number, bytes: this.#overlong ? null : whole };
    this.#rest = [];
    this.#restBytes = 0;
    this.#overlong = false;
    return line;
  }

  #keep(part: Buffer): void {
    if (part.length === 0 || this.#overlong) return;
    this.#restBytes += part.length;
    if (this.#restBytes <= this.#longest) {
      this.#rest.push(part);
      return;
    }
    this.#overlong = true;
    this.#rest = [];
  }
}
