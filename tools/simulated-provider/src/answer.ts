import { createHash } from 'node:crypto';
import { type Choose, valueOf } from './schema-value.js';

/** What an answer depends on, and nothing else: the same question always gets the same answer. */
export interface Question {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly wantsJson: boolean;
  /** Of `response_format`: the answer is a value of it. */
  readonly schema?: unknown;
}

const OPENINGS = [
  'There are a few good ways to look at this.',
  'In short, it depends on what you want to achieve.',
  'A practical answer starts with the people you want to reach.',
  'This comes up often, and the answer is simpler than it seems.',
  'It helps to separate what is urgent from what is important here.',
  'Most teams get further by starting small.',
];

const POINTS = [
  'Begin with one clear goal and write down how you will measure it',
  'Compare two variants over at least a week before you decide',
  'Keep the message short and put the benefit into the first sentence',
  'Ask five customers before you ask a committee',
  'Watch the cost of each result, and not only the number of results',
  'Reuse what has worked in a neighbouring segment',
  'Plan the follow-up before the first contact',
  'Remove every step that nobody would miss',
  'Set a limit on spending and a date for review',
  'Describe the problem in the words that your audience uses',
  'Give the first draft to somebody who was not involved',
  'Let the data of the last quarter set your expectations',
];

const CLOSINGS = [
  'Review the outcome after two weeks and keep what worked.',
  'If that is not enough, narrow the audience and try again.',
  'With that in place, the next step usually becomes obvious.',
  'Start there, and the details can follow later.',
];

/** Reads a digest as a sequence of choices, extending it when it is used up. */
function chooser(seed: string): Choose {
  let digest = createHash('sha256').update(seed).digest();
  let at = 0;
  return (from) => {
    if (at + 4 > digest.length) {
      digest = createHash('sha256').update(digest).digest();
      at = 0;
    }
    const chosen = from[digest.readUInt32BE(at) % from.length];
    at += 4;
    if (chosen === undefined) throw new RangeError('Nothing to choose from');
    return chosen;
  };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const parts = content as readonly { readonly type?: unknown; readonly text?: unknown }[];
  return parts.map((part) => (typeof part.text === 'string' ? part.text : `[${String(part.type)}]`)).join(' ');
}

const LONGEST_QUOTE = 160;

function quote(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const characters = Array.from(line);
  return characters.length > LONGEST_QUOTE ? `${characters.slice(0, LONGEST_QUOTE).join('')}…` : line;
}

/** A plausible text, distinct for every question, that says of itself that it is simulated. */
export function answerTo(question: Question): string {
  const asked = question.messages.findLast((message) => message.role === 'user');
  const seed = createHash('sha256')
    .update(JSON.stringify([question.model, question.messages]))
    .digest('hex');
  const choose = chooser(seed);
  const mark = `(Simulated answer ${seed.slice(0, 12)}.)`;
  if (question.schema !== undefined) {
    return JSON.stringify(valueOf(question.schema, choose, (from) => `${from(POINTS)}. ${mark}`));
  }
  const points = new Set<string>();
  const wanted = choose([2, 3, 4, 5]);
  while (points.size < wanted) points.add(choose(POINTS));
  const body = [...points].map((point, index) => `${index + 1}. ${point}.`).join('\n');
  const about = `You asked: “${quote(textOf(asked?.content))}”`;
  const text = `${about}\n\n${choose(OPENINGS)}\n\n${body}\n\n${choose(CLOSINGS)}\n\n${mark}`;
  return question.wantsJson ? JSON.stringify({ answer: text, simulated: true }) : text;
}
