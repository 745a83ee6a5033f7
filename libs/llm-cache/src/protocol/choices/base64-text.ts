/**
 * Base64 that comes in pieces, each perhaps padded: padding inside a text would make the whole unreadable. Only the last
 * four characters are ever written anew, so that a long sound in small pieces is not decoded for each of them.
 */
import type { JsonObject } from '../protocol.js';

interface Text {
  readonly head: string;
  /** The last four characters, where they are padded. */
  readonly tail: string;
}

/** By what the text is a member of. */
const texts = new WeakMap<JsonObject, Text>();

/** The text `old`, which is a member of `owner` and grows by this piece. */
export function joinedBase64(owner: JsonObject, old: string, piece: string): string {
  const { head, tail } = texts.get(owner) ?? divided(old);
  const more = divided(tail === '' ? piece : reencoded(tail, piece));
  const text = { head: head + more.head, tail: more.tail };
  texts.set(owner, text);
  return text.head + text.tail;
}

function divided(text: string): Text {
  return text.endsWith('=') ? { head: text.slice(0, -4), tail: text.slice(-4) } : { head: text, tail: '' };
}

function reencoded(tail: string, piece: string): string {
  return Buffer.concat([Buffer.from(tail, 'base64'), Buffer.from(piece, 'base64')]).toString('base64');
}
