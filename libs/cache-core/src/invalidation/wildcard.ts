/**
 * One segment of a glob: `*` any characters, `?` one, `[abc]`, `[a-z]` and `[^a-z]` one of a set, everything else itself.
 *
 * Matching takes time proportional to the product of the two lengths, however many stars there are: only the last star
 * is ever tried again (a match that an earlier star allows, the last one allows too).
 */
type Atom = { readonly is: 'star' } | { readonly is: 'one'; readonly accepts: (character: string) => boolean };

export interface Wildcard {
  /** The text that it begins with before anything is variable. */
  readonly literalBeginning: string;
  /** Matches exactly one text: its literal beginning. */
  readonly literal: boolean;
  /** Matches every text. */
  readonly anything: boolean;
  matches(text: string): boolean;
}

/** Null when a set is not closed or holds nothing. */
export function parseWildcard(glob: string): Wildcard | null {
  // Thousands of whole keys may come in one request.
  if (!/[*?[]/.test(glob)) {
    return { literalBeginning: glob, literal: true, anything: false, matches: (text) => text === glob };
  }
  const characters = [...glob];
  const atoms: Atom[] = [];
  let literalBeginning = '';
  let variable = false;
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    if (character === '[') {
      const end = characters.indexOf(']', at + 1);
      const accepts = end < 0 ? null : parseSet(characters.slice(at + 1, end));
      if (accepts === null) return null;
      atoms.push({ is: 'one', accepts });
      at = end;
      variable = true;
    } else if (character === '*') {
      if (atoms.at(-1)?.is !== 'star') atoms.push({ is: 'star' });
      variable = true;
    } else if (character === '?') {
      atoms.push({ is: 'one', accepts: () => true });
      variable = true;
    } else {
      atoms.push({ is: 'one', accepts: (other) => other === character });
      if (!variable) literalBeginning += character;
    }
  }
  return {
    literalBeginning,
    literal: !variable,
    anything: atoms.length === 1 && atoms[0]?.is === 'star',
    matches: (text) => matches(atoms, [...text]),
  };
}

function matches(atoms: readonly Atom[], text: readonly string[]): boolean {
  let atom = 0;
  let at = 0;
  let star = -1;
  let behindStar = 0;
  while (at < text.length) {
    const wanted = atoms[atom];
    if (wanted?.is === 'one' && wanted.accepts(text[at] as string)) {
      atom += 1;
      at += 1;
    } else if (wanted?.is === 'star') {
      star = atom;
      behindStar = at;
      atom += 1;
    } else if (star >= 0) {
      behindStar += 1;
      at = behindStar;
      atom = star + 1;
    } else {
      return false;
    }
  }
  return atoms.slice(atom).every(({ is }) => is === 'star');
}

function parseSet(characters: readonly string[]): ((character: string) => boolean) | null {
  const inverted = characters[0] === '^';
  const members = inverted ? characters.slice(1) : characters;
  if (members.length === 0) return null;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < members.length; at += 1) {
    const from = members[at] as string;
    const to = members[at + 1] === '-' ? members[at + 2] : undefined;
    if (to === undefined) {
      ranges.push([from, from]);
    } else {
      ranges.push(codeOf(from) <= codeOf(to) ? [from, to] : [to, from]);
      at += 2;
    }
  }
  return (character) => {
    const code = codeOf(character);
    return ranges.some(([from, to]) => codeOf(from) <= code && code <= codeOf(to)) !== inverted;
  };
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
