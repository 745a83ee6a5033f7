/** Answers as a provider gives them, of real text where there is some beside the project, else of ordinary words. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const CORPUS = join(import.meta.dirname, '../../../../../shared/data/question-pairs.jsonl.gz');
const WORDS =
  'the of and a to in is that it was for on are with as his they at be this from have or by one had not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know';

export interface Answer {
  /** The completion as JSON. */
  readonly json: string;
  /** The same as a stream of one event a token; made when it is asked for, as it is fifty times as long. */
  readonly events: () => readonly string[];
}

/** What answer and events begin with, of this `object`. */
type HeadOf = (object: string) => object;

export class Answers {
  readonly #text: string;
  readonly real: boolean;
  #at = 0;
  #made = 0;

  constructor() {
    this.real = existsSync(CORPUS);
    this.#text = this.real ? realText() : WORDS.split(' ').toSorted(byNoOrder()).join(' ').repeat(500);
  }

  /** One whose JSON has so many bytes, or a few more. */
  next(bytes: number): Answer {
    this.#made += 1;
    const id = `chatcmpl-${uniform(29)}`;
    const created = 1_790_000_000 + this.#made;
    // Members stand in the order in which OpenAI sends them.
    const head = (object: string): object => ({
      id,
      object,
      created,
      model: 'gpt-4o-mini-2024-07-18',
    });
    const print = { service_tier: 'default', system_fingerprint: `fp_${uniform(10)}` };
    const empty = this.#json(head, print, '').length;
    const content = this.#next(Math.max(1, bytes - empty));
    return { json: this.#json(head, print, content), events: () => eventsOf(head, print, content) };
  }

  #json(head: HeadOf, print: object, content: string): string {
    const message = { role: 'assistant', content, refusal: null, annotations: [] };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
    return JSON.stringify({ ...head('chat.completion'), choices, usage: usageOf(content), ...print });
  }

  #next(length: number): string {
    if (this.#at + length > this.#text.length) this.#at = 0;
    this.#at += length;
    return this.#text.slice(this.#at - length, this.#at);
  }
}

/** Tokens of English have some four and a half characters. */
function tokensIn(content: string): readonly string[] {
  return content.match(/\s?\S{1,6}|\s+/g) ?? [];
}

function usageOf(content: string): object {
  const completion = tokensIn(content).length;
  const details = { prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 } };
  return { prompt_tokens: 20, completion_tokens: completion, total_tokens: 20 + completion, ...details };
}

function eventsOf(head: HeadOf, print: object, content: string): string[] {
  const event = (choices: readonly object[], usage: object | null): string =>
    `data: ${JSON.stringify({ ...head('chat.completion.chunk'), ...print, choices, usage })}\n\n`;
  const delta = (fields: object, finish: string | null): string =>
    event([{ index: 0, delta: fields, logprobs: null, finish_reason: finish }], null);
  return [
    delta({ role: 'assistant', content: '', refusal: null }, null),
    ...tokensIn(content).map((token) => delta({ content: token }, null)),
    delta({}, 'stop'),
    event([], usageOf(content)),
    'data: [DONE]\n\n',
  ];
}

function realText(): string {
  const lines = gunzipSync(readFileSync(CORPUS)).toString().trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { a: string }).a).join(' ');
}

const SIGNS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

function uniform(length: number): string {
  return Array.from({ length }, () => SIGNS[Math.floor(Math.random() * SIGNS.length)]).join('');
}

function byNoOrder(): () => number {
  return () => Math.random() - 0.5;
}
