import { isObject } from '../protocol/json-object.js';

/** Members that differ each time the same is said, or say nothing of what is said. */
const LEFT_OUT: ReadonlySet<string> = new Set(
  'id call_id tool_call_id signature logprobs encrypted_content role type object status finish_reason'.split(' '),
);
/** Where the protocols have what was said. */
const SAID = ['choices', 'content', 'output'] as const;

/** What an answer says, whatever the protocol: all texts in it, in order. Null where it says nothing that can be compared. */
export function answerText(json: Buffer): string | null {
  const answer: unknown = JSON.parse(json.toString('utf8'));
  if (!isObject(answer)) return null;
  const said = SAID.map((name) => answer[name]).find((value) => Array.isArray(value));
  if (said === undefined) return null;
  const texts: string[] = [];
  collect(said, texts);
  return texts.length === 0 ? null : texts.join('\n');
}

function collect(value: unknown, texts: string[]): void {
  if (typeof value === 'string') texts.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, texts);
  else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) if (!LEFT_OUT.has(name)) collect(member, texts);
  }
}
