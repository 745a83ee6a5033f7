/**
 * `Cache-Control` as messages of strangers have it (RFC 9111 §5.2). Lenient where the RFC is: what is unknown is ignored. Where
 * a number cannot be read, the reading is the cautious one: nothing is fresh by it; what forbids something forbids it also when a
 * comma or a quote is missing.
 */
import { tokensIn, type Fields } from './fields.js';

/** RFC 9111 §1.2.2: a larger number of seconds reads as this one. */
const MOST_SECONDS = 2_147_483_648;

const DIRECTIVE = /[\t ]*([^\s,="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^,]*)))?([^,]*)(?:,|$)/gy;

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const FORBIDDING: ReadonlySet<string> = new Set([
  'no-store',
  'no-cache',
  'private',
  'must-revalidate',
  'proxy-revalidate',
]);

export class Directives {
  /** All arguments of each. Null: without one. */
  readonly #arguments: ReadonlyMap<string, readonly (string | null)[]>;

  constructor(lines: readonly string[]) {
    const found = new Map<string, (string | null)[]>();
    for (const [name, argument] of directivesIn(lines.join(', '))) {
      const known = found.get(name);
      if (known === undefined) found.set(name, [argument]);
      else known.push(argument);
    }
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

  /** It is there and holds for the whole message, be it once: not only for some fields, or for what is no name of one. */
  whole(name: 'no-cache' | 'private'): boolean {
    return (this.#arguments.get(name) ?? []).some((argument) => {
      const names = argument === null ? [] : tokensIn([argument]);
      return names.length === 0 || !names.every((one) => TOKEN.test(one));
    });
  }

  /** The fields that it is limited to. */
  fieldNames(name: 'no-cache' | 'private'): readonly string[] {
    return tokensIn((this.#arguments.get(name) ?? []).filter((argument) => argument !== null));
  }

  /** The first, as RFC 9111 §4.2.1 lets one choose. Null: not there. 0 for what is no number of seconds. */
  seconds(name: string): number | null {
    const argument = this.#arguments.get(name)?.[0];
    if (argument === undefined) return null;
    return argument !== null && /^\d+$/.test(argument) ? Math.min(Number(argument), MOST_SECONDS) : 0;
  }

  /** `max-stale` may stand alone: then anything goes. */
  secondsOr(name: string, alone: number): number | null {
    return this.#arguments.get(name)?.[0] === null ? alone : this.seconds(name);
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

/** They say nothing of how long we keep it: alone, they leave that to `Cache-Control`. */
const OF_OTHER_MATTERS = /^\s*(?:content\s*=|no-store-remote\s*$)/i;

/** https://www.w3.org/TR/edge-arch/: `max-age=3600;promptsales` is for this cache; `max-age=60+30` may be stale for 30 s. */
function forSurrogate(line: string): string[] {
  return line.split(',').flatMap((member) => {
    const [directive = '', target] = member.split(';');
    if (target !== undefined && target.trim().toLowerCase() !== SURROGATE) return [];
    if (OF_OTHER_MATTERS.test(directive)) return [];
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
    const words = match[0].split(/[\s;]+/).filter((word) => word !== '');
    if (words.length > 1 || rest.trim() !== '') {
      for (const word of [name, ...words]) if (FORBIDDING.has(word.toLowerCase())) yield [word.toLowerCase(), null];
    }
    // `max-age =3600`, `max-age="1"x`: no directive of this name.
    if (rest.trim() !== '') continue;
    yield [name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? token?.trimEnd() ?? null];
  }
}
