/**
 * `Cache-Control` as messages of strangers have it (RFC 9111 §5.2). Lenient where the RFC is: what is unknown is ignored. Where
 * a number cannot be read, the reading is the cautious one: nothing is fresh by it.
 */
import { tokensIn, type Fields } from './fields.js';

/** RFC 9111 §1.2.2: a larger number of seconds reads as this one. */
const MOST_SECONDS = 2_147_483_648;

const DIRECTIVE = /[\t ]*([^\s,="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^,]*)))?([^,]*)(?:,|$)/gy;

export class Directives {
  /** The first argument of each, as RFC 9111 §4.2.1 lets one choose. Null: without one. */
  readonly #arguments: ReadonlyMap<string, string | null>;

  constructor(lines: readonly string[]) {
    const found = new Map<string, string | null>();
    for (const [name, argument] of directivesIn(lines.join(', '))) if (!found.has(name)) found.set(name, argument);
    this.#arguments = found;
  }

  /** What a response says to a cache such as this one. */
  static of(fields: Fields): Directives {
    return new Directives(targetedLines(fields) ?? fields.all('cache-control'));
  }

  /** What a request says, which is targeted at nobody. */
  static ofRequest(fields: Fields): Directives {
    return new Directives(fields.all('cache-control'));
  }

  get size(): number {
    return this.#arguments.size;
  }

  has(name: string): boolean {
    return this.#arguments.has(name);
  }

  /** It is there and holds for the whole message: not only for some fields. */
  whole(name: 'no-cache' | 'private'): boolean {
    return this.has(name) && this.fieldNames(name).length === 0;
  }

  /** The fields that it is limited to. */
  fieldNames(name: 'no-cache' | 'private'): readonly string[] {
    const argument = this.#arguments.get(name);
    return argument === null || argument === undefined ? [] : tokensIn([argument]);
  }

  /** Null: not there. 0 for what is no number of seconds. */
  seconds(name: string): number | null {
    const argument = this.#arguments.get(name);
    if (argument === undefined) return null;
    return argument !== null && /^\d+$/.test(argument) ? Math.min(Number(argument), MOST_SECONDS) : 0;
  }

  /** `max-stale` may stand alone: then anything goes. */
  secondsOr(name: string, alone: number): number | null {
    return this.#arguments.get(name) === null ? alone : this.seconds(name);
  }
}

/** Where one of these is there, `Cache-Control` and `Expires` are for others: RFC 9213 §2.2. In this order. */
const TARGETED = ['surrogate-control', 'cdn-cache-control'] as const;

/** How `Surrogate-Capability` calls this cache, by which a service may mean it alone. */
export const SURROGATE = 'promptsales';

export function isTargeted(fields: Fields): boolean {
  return targetedLines(fields) !== null;
}

function targetedLines(fields: Fields): readonly string[] | null {
  for (const name of TARGETED) {
    const lines = fields.all(name);
    const meant = name === 'surrogate-control' ? lines.flatMap(forSurrogate) : lines;
    if (meant.some((line) => line.trim() !== '')) return meant;
  }
  return null;
}

/** https://www.w3.org/TR/edge-arch/: `max-age=3600;promptsales` is for this cache; `max-age=60+30` may be stale for 30 s. */
function forSurrogate(line: string): string[] {
  return line.split(',').flatMap((member) => {
    const [directive = '', target] = member.split(';');
    if (target !== undefined && target.trim().toLowerCase() !== SURROGATE) return [];
    const extended = /^\s*max-age=(\d+)\+(\d+)\s*$/i.exec(directive);
    return extended === null
      ? [directive]
      : [`max-age=${extended[1] ?? ''}`, `stale-while-revalidate=${extended[2] ?? ''}`];
  });
}

function* directivesIn(text: string): Generator<[name: string, argument: string | null]> {
  let position = 0;
  while (position < text.length) {
    DIRECTIVE.lastIndex = position;
    const match = DIRECTIVE.exec(text);
    if (match === null) {
      // An empty member, or one that begins with what no name can have: the list goes on behind it.
      const comma = text.indexOf(',', position);
      if (comma < 0) return;
      position = comma + 1;
      continue;
    }
    position = DIRECTIVE.lastIndex;
    const [, name = '', quoted, token, rest = ''] = match;
    // `max-age =3600`, `max-age="1"x`: no directive of this name.
    if (rest.trim() !== '') continue;
    yield [name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? token?.trimEnd() ?? null];
  }
}
