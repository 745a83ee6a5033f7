/** Bytes with numbers of as many bytes as they need: seven bits in each, the lowest first, the eighth bit for "more". */

const MORE = 0x80;
const STEP = 0x80;
/** Of a whole number up to 2⁵³ − 1. */
const LONGEST = 8;

/** Below this a copy byte by byte is done before a call of `set` has begun. */
const SHORT = 32;

/** @returns where in `into` the copy of `bytes[start, end)` ends, which must fit */
export function copyBytes(bytes: Buffer, start: number, end: number, into: Buffer, at: number): number {
  if (end - start >= SHORT) into.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), at);
  else for (let from = start, to = at; from < end; from += 1, to += 1) into[to] = bytes[from] as number;
  return at + end - start;
}

export class ByteWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(64, expected));
  }

  /** What was written; it shares this writer's memory. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** A whole number from 0 to 2⁵³ − 1. */
  number(value: number): void {
    if (this.#at + LONGEST > this.#bytes.length) this.#makeRoom(LONGEST);
    let rest = value;
    while (rest >= STEP) {
      this.#bytes[this.#at++] = (rest % STEP) | MORE;
      rest = Math.floor(rest / STEP);
    }
    this.#bytes[this.#at++] = rest;
  }

  /** Of `from`, the bytes from `start` to `end`. */
  bytes(from: Buffer, start = 0, end = from.length): void {
    this.#makeRoom(end - start);
    from.copy(this.#bytes, this.#at, start, end);
    this.#at += end - start;
  }

  #makeRoom(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#at + more, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** What was read is not what a `ByteWriter` wrote. */
export class MalformedBytes extends Error {
  readonly code = 'malformed_bytes';
  constructor(what: string) {
    super(`These bytes are not what was written: ${what}.`);
    this.name = 'MalformedBytes';
  }
}

/** Every method throws `MalformedBytes` where the bytes are not what its counterpart writes. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  number(): number {
    const first = this.#bytes[this.#at] ?? MORE;
    if (first < MORE) {
      this.#at += 1;
      return first;
    }
    return this.#longNumber();
  }

  numbers(count: number): number[] {
    const numbers: number[] = [];
    for (let at = 0; at < count; at += 1) numbers.push(this.number());
    return numbers;
  }

  #longNumber(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < LONGEST; count += 1) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte % STEP) * scale;
      if (byte < MORE && value <= Number.MAX_SAFE_INTEGER) return value;
      scale *= STEP;
    }
    throw new MalformedBytes('a number does not end');
  }

  /** How many there are of what takes a byte or more each: no more than could be there. */
  count(): number {
    const count = this.number();
    if (count > this.left) throw new MalformedBytes(`${count} would be more than there are bytes`);
    return count;
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MalformedBytes('they end too early');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
