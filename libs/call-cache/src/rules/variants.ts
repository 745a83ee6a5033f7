/** Which of several answers of one URI a request selects: RFC 9111 §4.1. */
import { hash } from 'node:crypto';
import type { Fields } from './fields.js';

/** The names of `Vary`, each once, in order; null for `*`, by which no request ever matches. */
export function varyNames(fields: Fields): readonly string[] | null {
  const names = new Set(fields.tokens('vary'));
  return names.has('*') ? null : [...names].toSorted();
}

/** Lists whose order and case say nothing: preferences stand beside their members. */
const PREFERENCES: ReadonlySet<string> = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language']);

/** What a request says under these names, so that requests which mean the same say the same. Null: not there. */
export function selectingValues(request: Fields, names: readonly string[]): readonly (string | null)[] {
  return names.map((name) => {
    if (!request.has(name)) return null;
    const members = membersOf(request.all(name).join(','));
    return PREFERENCES.has(name) ? members.map(preference).toSorted().join(',') : members.join(',');
  });
}

/**
 * The same, to be kept beside an answer and compared: hashed, for cookies and credentials may be among them, and whoever can
 * read the answer is not to have those.
 */
export function selectionOf(request: Fields, names: readonly string[]): readonly (string | null)[] {
  return selectingValues(request, names).map((value) => (value === null ? null : hash('sha256', value, 'base64url')));
}

/** Split where a comma is not quoted, without white space around. */
function membersOf(text: string): string[] {
  const members: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at <= text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '\\' && at + 1 < text.length) at += 1;
    else if (character === '"') quoted = !quoted;
    else if (at >= text.length || (character === ',' && !quoted)) {
      members.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return members.filter((member) => member !== '');
}

/** Names without regard to case; what parameters say may tell cases apart, and quoted, white space too. */
function preference(member: string): string {
  if (member.includes('"')) return member.replace(/^[^;"]*/, (range) => range.toLowerCase());
  return member
    .replaceAll(/\s*([;=])\s*/g, '$1')
    .replaceAll(/^[^;]*|;[^;=]*/g, (rangeOrName) => rangeOrName.toLowerCase());
}
