/** Where a body goes wrong. Only called for bodies that are known to be wrong, so these are plain rather than fast. */

const REPLACEMENT = Buffer.from('\ufffd');

/** The offset of the first byte that is no UTF-8: where decoding put a replacement character that is not in the bytes. */
export function firstUtf8Fault(bytes: Buffer): number {
  const text = bytes.toString('utf8');
  let offset = 0;
  for (let from = 0; ;) {
    const at = text.indexOf('\ufffd', from);
    if (at < 0) return bytes.length;
    offset += Buffer.byteLength(text.slice(from, at));
    if (!bytes.subarray(offset, offset + REPLACEMENT.length).equals(REPLACEMENT)) return offset;
    offset += REPLACEMENT.length;
    from = at + 1;
  }
}

/**
 * The index of the first UTF-16 unit that no JSON text could have there; the text's length where it only ends too early.
 * Recursive: for texts that `scanJson` found not too deep.
 */
export function firstJsonFault(text: string): number {
  const reader = new FaultFinder(text);
  const whole = reader.value() && reader.end();
  return whole ? text.length : reader.at;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class FaultFinder {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(): boolean {
    this.#space();
    switch (this.#text[this.at]) {
      case '{':
        return this.#members(
          '}',
          () => this.#space() && this.#string() && this.#space() && this.#take(':') && this.value(),
        );
      case '[':
        return this.#members(']', () => this.value());
      case '"':
        return this.#string();
      case 't':
        return this.#take('true');
      case 'f':
        return this.#take('false');
      case 'n':
        return this.#take('null');
      default:
        return this.#match(NUMBER);
    }
  }

  end(): boolean {
    return this.#space() && this.at === this.#text.length;
  }

  #members(close: string, member: () => boolean): boolean {
    this.at++;
    this.#space();
    if (this.#text[this.at] === close) return this.#take(close);
    for (;;) {
      if (!member()) return false;
      this.#space();
      if (this.#text[this.at] !== ',') return this.#take(close);
      this.at++;
    }
  }

  #string(): boolean {
    if (!this.#take('"')) return false;
    for (;;) {
      const character = this.#text[this.at];
      if (character === '"') return this.#take('"');
      if (character === undefined || character < ' ') return false;
      if (character !== '\\') this.at++;
      else if (!this.#match(ESCAPE)) return false;
    }
  }

  #space(): true {
    while (' \t\n\r'.includes(this.#text[this.at] ?? 'x')) this.at++;
    return true;
  }

  /** Takes as much of the word as is there, so that the fault is named where it is. */
  #take(word: string): boolean {
    for (const character of word) {
      if (this.#text[this.at] !== character) return false;
      this.at++;
    }
    return true;
  }

  #match(form: RegExp): boolean {
    form.lastIndex = this.at;
    if (!form.test(this.#text)) return false;
    this.at = form.lastIndex;
    return true;
  }
}
