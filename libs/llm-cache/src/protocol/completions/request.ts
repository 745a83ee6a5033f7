/** The request of `POST /v1/completions`: what we must understand of it. All else is the provider's to judge. */
import type { RequestFacts } from '../protocol.js';
import {
  emptyArray,
  missing,
  readModel,
  readObject,
  readStream,
  readUsageAsked,
  wrongType,
} from '../request-checks.js';
import { asksForServerTools } from '../server-tools.js';

const PROMPT = 'a string, an array of strings, an array of token ids or an array of such arrays';

export function readCompletionRequest(sent: unknown): RequestFacts {
  const body = readObject(sent);
  const model = readModel(body['model']);
  checkPrompt(body['prompt']);
  return {
    model,
    stream: readStream(body['stream']),
    usageAsked: readUsageAsked(body['stream_options']),
    serverTools: asksForServerTools(body, model),
  };
}

function checkPrompt(prompt: unknown): void {
  if (prompt === undefined) throw missing('prompt');
  // Null is what OpenAI itself starts from: the beginning of a new document.
  if (prompt === null || typeof prompt === 'string') return;
  if (!Array.isArray(prompt)) throw wrongType('prompt', PROMPT, prompt);
  if (prompt.length === 0) throw emptyArray('prompt');
  const [first] = prompt as unknown[];
  const fits = typeof first === 'string' ? isText : Array.isArray(first) ? areTokens : isToken;
  for (const [at, item] of (prompt as unknown[]).entries()) {
    if (!fits(item)) throw wrongType(`prompt[${at}]`, at === 0 ? PROMPT : 'what its first item is', item);
  }
}

function isText(item: unknown): boolean {
  return typeof item === 'string';
}

function isToken(item: unknown): boolean {
  return Number.isInteger(item) && (item as number) >= 0;
}

function areTokens(item: unknown): boolean {
  return Array.isArray(item) && item.every(isToken);
}
