/** `POST /v1/completions`, which aimock does not have: the answers of the chat, in the shape of a text completion. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mountable } from '@copilotkit/aimock';
import { answerTo } from './answer.js';
import { jsonOf, sendJson } from './http-json.js';

export interface TextPace {
  readonly firstByteMs: number;
  readonly betweenChunksMs: number;
  readonly chunkCharacters: number;
}

interface TextRequest {
  readonly model?: unknown;
  readonly prompt?: unknown;
  readonly stream?: unknown;
  readonly max_tokens?: unknown;
  readonly stream_options?: { readonly include_usage?: unknown } | null;
}

export class TextCompletions implements Mountable {
  readonly #pace: TextPace;

  constructor(pace: TextPace) {
    this.#pace = pace;
  }

  async handleRequest(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (request.method !== 'POST') return false;
    const asked = (await jsonOf(request)) as TextRequest | null;
    if (typeof asked?.model !== 'string' || asked.prompt === undefined) {
      const message = 'A text completion needs a model and a prompt.';
      sendJson(response, 400, { error: { message, type: 'invalid_request_error', param: null, code: null } });
      return true;
    }
    await sleep(this.#pace.firstByteMs);
    const model = asked.model;
    const prompts =
      Array.isArray(asked.prompt) && !isTokens(asked.prompt) ? (asked.prompt as unknown[]) : [asked.prompt];
    const limit = typeof asked.max_tokens === 'number' ? asked.max_tokens * 4 : Number.POSITIVE_INFINITY;
    const choices = prompts.map((prompt, index) => {
      const said = typeof prompt === 'string' ? prompt : JSON.stringify(prompt);
      const text = answerTo({ model, messages: [{ role: 'user', content: said }], wantsJson: false });
      const cut = text.length > limit;
      return { text: cut ? text.slice(0, limit) : text, index, logprobs: null, finish_reason: cut ? 'length' : 'stop' };
    });
    const [input, output] = [tokens(JSON.stringify(prompts)), tokens(choices.map(({ text }) => text).join(''))];
    const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
    const created = Math.floor(Date.now() / 1000);
    const head = { id: `cmpl-${randomUUID()}`, object: 'text_completion', created, model };
    if (asked.stream === true)
      await this.#stream(response, head, choices, asked.stream_options?.include_usage === true ? usage : null);
    else sendJson(response, 200, { ...head, choices, usage });
    return true;
  }

  async #stream(
    response: ServerResponse,
    head: object,
    choices: readonly { readonly text: string; readonly index: number; readonly finish_reason: string }[],
    usage: object | null,
  ): Promise<void> {
    const { betweenChunksMs, chunkCharacters } = this.#pace;
    const withUsage = usage === null ? {} : { usage: null };
    const say = (parts: object[], more: object): void => {
      response.write(`data: ${JSON.stringify({ ...head, choices: parts, ...more })}\n\n`);
    };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const { text, index, finish_reason: finishReason } of choices) {
      for (let at = 0; at < text.length; at += chunkCharacters) {
        if (betweenChunksMs > 0) await sleep(betweenChunksMs);
        const piece = text.slice(at, at + chunkCharacters);
        say([{ text: piece, index, logprobs: null, finish_reason: null }], withUsage);
      }
      say([{ text: '', index, logprobs: null, finish_reason: finishReason }], withUsage);
    }
    if (usage !== null) say([], { usage });
    response.end('data: [DONE]\n\n');
  }
}

/** About four characters to a token, as for chats. */
function tokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}

function isTokens(prompt: readonly unknown[]): boolean {
  return prompt.every((item) => typeof item === 'number');
}
