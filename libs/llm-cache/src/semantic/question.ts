/**
 * Which requests can be answered by an answer to another one, and what in them may differ: the one thing that the user
 * says, as text, in a conversation of one turn. Everything else has to be equal. A request with a history, a tool's result
 * or an image is not one of them: an agent that goes round in a loop must never be given its own previous turn.
 */
import { parseBody, type ParsedBody } from '@promptsales/cache-core';
import { isObject } from '../protocol/json-object.js';
import type { JsonObject } from '../protocol/protocol.js';

export interface Question {
  readonly text: string;
  /** The body with nothing in the place of that text. */
  readonly rest: ParsedBody;
}

/** Where a protocol has what is said. A protocol that is not here has no questions. */
const SAID_IN: Readonly<Record<string, 'messages' | 'prompt' | 'input'>> = {
  'openai.chat.completions': 'messages',
  'anthropic.messages': 'messages',
  'anthropic.messages.beta': 'messages',
  'openai.completions': 'prompt',
  'openai.responses': 'input',
};
/** Longer ones are asked twice in the same words or not at all, and compare badly. */
const LONGEST_TEXT = 4_000;
const INSTRUCTING: ReadonlySet<unknown> = new Set(['system', 'developer']);
const TEXT_PARTS: ReadonlySet<unknown> = new Set(['text', 'input_text']);

export function questionOf(protocolId: string, body: ParsedBody): Question | null {
  const member = SAID_IN[protocolId];
  const value: unknown = body.value;
  // Of a body that is not I-JSON its value does not say all.
  if (member === undefined || !isObject(value) || !body.faithful) return null;
  const said = value[member];
  if (typeof said === 'string') return member === 'messages' ? null : question(said, { ...value, [member]: '' });
  return Array.isArray(said) ? inMessages(value, member, said) : null;
}

function inMessages(value: JsonObject, member: string, messages: readonly unknown[]): Question | null {
  const last = messages.at(-1);
  const before = messages.slice(0, -1);
  if (!isObject(last) || last['role'] !== 'user') return null;
  if (!before.every((message) => isObject(message) && INSTRUCTING.has(message['role']))) return null;
  const text = textOf(last['content']);
  if (text === null) return null;
  return question(text, { ...value, [member]: [...before, { ...last, content: blank(last['content']) }] });
}

function question(text: string, rest: JsonObject): Question | null {
  if (text.trim() === '' || text.length > LONGEST_TEXT || !text.isWellFormed()) return null;
  return { text, rest: parseBody(Buffer.from(JSON.stringify(rest))) };
}

/** Of a text, or of parts that are nothing but one text. */
function textOf(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content) || content.length !== 1) return null;
  const part: unknown = content[0];
  return isObject(part) && TEXT_PARTS.has(part['type']) && typeof part['text'] === 'string' ? part['text'] : null;
}

function blank(content: unknown): unknown {
  return Array.isArray(content) ? [{ ...(content[0] as JsonObject), text: '' }] : '';
}
