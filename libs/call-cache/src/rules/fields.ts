/**
 * The header fields of one message, in the order and the spelling in which they came. Values are as Node gives them: each
 * character is one byte.
 */
export type FieldLine = readonly [name: string, value: string];

export class Fields {
  readonly lines: readonly FieldLine[];
  readonly #byName = new Map<string, string[]>();

  constructor(lines: readonly FieldLine[]) {
    this.lines = lines;
    for (const [name, value] of lines) {
      const key = name.toLowerCase();
      const values = this.#byName.get(key);
      if (values === undefined) this.#byName.set(key, [value]);
      else values.push(value);
    }
  }

  /** @param raw names and values in turn, as Node's `rawHeaders` */
  static ofRaw(raw: readonly string[]): Fields {
    const lines: FieldLine[] = [];
    for (let at = 0; at + 1 < raw.length; at += 2) lines.push([raw[at] as string, raw[at + 1] as string]);
    return new Fields(lines);
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** All lines of this name (in lower case). */
  all(name: string): readonly string[] {
    return this.#byName.get(name) ?? [];
  }

  /** The lines of this name as one list, as RFC 9110 §5.3 lets them be joined; null where there is none. */
  joined(name: string): string | null {
    return this.#byName.get(name)?.join(', ') ?? null;
  }

  /** The members of a list-valued field that are tokens, in lower case. */
  tokens(name: string): readonly string[] {
    return tokensIn(this.all(name));
  }

  without(drop: (name: string) => boolean): Fields {
    const kept = this.lines.filter(([name]) => !drop(name.toLowerCase()));
    return kept.length === this.lines.length ? this : new Fields(kept);
  }

  with(...lines: readonly FieldLine[]): Fields {
    return new Fields([...this.lines, ...lines]);
  }

  /** As `writeHead` takes them. */
  raw(): string[] {
    return this.lines.flat();
  }
}

export function tokensIn(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) =>
    line
      .split(',')
      .map((token) => token.trim().toLowerCase())
      .filter((token) => token !== ''),
  );
}

/** RFC 9110 §7.6.1: fields between two neighbours, whatever `Connection` says. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** RFC 9112 §7.2 and §7.3. What is not registered can be no coding, and is a field between neighbours like any other. */
const CODINGS: ReadonlySet<string> = new Set(['chunked', 'compress', 'deflate', 'gzip', 'x-compress', 'x-gzip']);

/**
 * Whether its body is framed as is understood here: by `chunked` alone, or by no transfer coding. Any other would have to be taken
 * off before the body is handed on, since the field that tells of it is not.
 */
export function isPlainlyFramed(fields: Fields): boolean {
  const codings = fields
    .tokens('transfer-encoding')
    .map((coding) => coding.replace(/\s*;.*$/, ''))
    .filter((coding) => CODINGS.has(coding));
  return codings.length === 0 || (codings.length === 1 && codings[0] === 'chunked');
}

/** What a message says to whom it is for in the end: without what is between neighbours. */
export function endToEnd(fields: Fields): Fields {
  const named = new Set(fields.tokens('connection'));
  return fields.without((name) => HOP_BY_HOP.has(name) || named.has(name));
}
