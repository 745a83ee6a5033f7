/**
 * RFC 8785 canonical JSON: no white space, properties sorted by the UTF-16 units of their names, numbers and strings as
 * ECMAScript writes them.
 *
 * It reads text, not a parsed value, for two reasons. `JSON.parse` forgets what must be known here: that a name came twice, that a number
 * was more than a double holds, that an escape was a lone surrogate (such a text is not I-JSON, RFC 7493). And most
 * tokens of a text are canonical as they stand, so they are sliced rather than unescaped and escaped again.
 */
import { doubleHolds } from './json-number.js';
import { sortByName } from './name-order.js';
import { endOfString } from './nesting.js';
import { omissionsOf, type Omissions, type OmittedPath } from './omissions.js';

export interface CanonicalText {
  readonly text: string;
  /** Two texts with one canonical form say the same. False where the text is not I-JSON, which the form does not show. */
  readonly faithful: boolean;
}

/** The canonical form without the omitted paths, of valid JSON nested no deeper than `DEEPEST_NESTING`. */
export function canonicalJson(text: string, omit: readonly OmittedPath[] = []): CanonicalText {
  const reader = new CanonicalReader(text);
  const canonical = reader.value(omissionsOf(omit)) ?? '{}';
  return { text: canonical, faithful: reader.faithful };
}

interface Member {
  readonly name: string;
  /** `"name":value`, or `undefined` where it is left out. */
  readonly text: string | undefined;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** An integer of up to so many characters is written as it is canonical, and every double holds it. */
const PLAIN_INTEGER = 15;
/** The same with a point: every decimal of 15 digits survives a double, and is its shortest name. */
const PLAIN_DECIMAL = 16;

class CanonicalReader {
  /** No duplicate name, no number beyond doubles, no lone surrogate so far. */
  faithful = true;
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** `undefined` when it is an object of which the omissions left nothing. */
  value(omit: Omissions | undefined): string | undefined {
    const code = this.#nextCode();
    switch (code) {
      case QUOTE:
        return this.#string();
      case 0x7b:
        return this.#object(omit);
      case 0x5b:
        return this.#array();
      case 0x74:
        return this.#word('true');
      case 0x66:
        return this.#word('false');
      case 0x6e:
        return this.#word('null');
      default:
        return this.#number(code);
    }
  }

  #object(omit: Omissions | undefined): string | undefined {
    const members: Member[] = [];
    let sorted = true;
    let last = '';
    this.#at++;
    if (this.#nextCode() === QUOTE) {
      for (;;) {
        this.#nextCode();
        const token = this.#string();
        const name = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
        this.#nextCode();
        this.#at++;
        const rule = omit?.get(name);
        const value = this.value(rule === true ? undefined : rule);
        members.push({ name, text: rule === true || value === undefined ? undefined : `${token}:${value}` });
        if (members.length > 1 && name <= last) sorted = false;
        last = name;
        if (this.#nextCode() !== COMMA) break;
        this.#at++;
      }
    }
    this.#at++;
    if (!sorted) this.#sort(members);
    const texts: string[] = [];
    for (const { text } of members) if (text !== undefined) texts.push(text);
    return texts.length === 0 && members.length > 0 ? undefined : `{${texts.join(',')}}`;
  }

  #sort(members: Member[]): void {
    sortByName(members);
    for (let at = 1; at < members.length; at++) {
      if (members[at]?.name === members[at - 1]?.name) this.faithful = false;
    }
  }

  #array(): string {
    // Joined at the end: a text that grows by millions of small items is a rope, whose collecting and flattening takes seconds.
    const items: string[] = [];
    this.#at++;
    if (this.#nextCode() !== 0x5d) {
      for (;;) {
        items.push(this.value(undefined) ?? '{}');
        if (this.#nextCode() !== COMMA) break;
        this.#at++;
      }
    }
    this.#at++;
    return `[${items.join(',')}]`;
  }

  #string(): string {
    const start = this.#at;
    this.#at = endOfString(this.#text, start) + 1;
    const token = this.#text.slice(start, this.#at);
    // \n, \" and the like have no other spelling; only \uXXXX and \/ may be canonical otherwise.
    if (!token.includes('\\') || !(token.includes('\\u') || token.includes('\\/'))) return token;
    const content = JSON.parse(token) as string;
    if (!content.isWellFormed()) this.faithful = false;
    return JSON.stringify(content);
  }

  #number(first: number): string {
    const start = this.#at;
    let at = start + 1;
    let integer = true;
    let point = false;
    let plain = first !== MINUS;
    for (; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code >= ZERO && code <= NINE) continue;
      // . e E + -
      if (code !== 0x2e && code !== 0x65 && code !== 0x45 && code !== 0x2b && code !== MINUS) break;
      integer = false;
      if (code !== 0x2e) plain = false;
      else point = true;
    }
    this.#at = at;
    const token = this.#text.slice(start, at);
    if (integer && first !== MINUS && token.length <= PLAIN_INTEGER) return token;
    if (plain && point && at - start <= PLAIN_DECIMAL && this.#isPlainDecimal(start, at)) return token;
    // A template writes -0 as 0, as RFC 8785 has it.
    if (!doubleHolds(token)) this.faithful = false;
    return `${Number(token)}`;
  }

  /** Of digits and one point: is it 0.1 or more, without a zero at its end? */
  #isPlainDecimal(start: number, end: number): boolean {
    if (this.#text.charCodeAt(end - 1) === ZERO) return false;
    return this.#text.charCodeAt(start) !== ZERO || this.#text.charCodeAt(start + 2) !== ZERO;
  }

  #word(word: string): string {
    this.#at += word.length;
    return word;
  }

  /** Skips white space and looks at what follows. */
  #nextCode(): number {
    let code = this.#text.charCodeAt(this.#at);
    while (code <= SPACE) code = this.#text.charCodeAt(++this.#at);
    return code;
  }
}
