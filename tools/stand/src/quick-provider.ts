/**
 * A provider that costs next to nothing, so that what is measured under load is the platform: OpenAI's chat completions,
 * streamed and not, the same question always with the same answer. It counts the calls that reach it.
 */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface QuickProvider {
  /** For `OPENAI_BASE_URL`. */
  readonly baseUrl: string;
  readonly calls: number;
  stop(): Promise<void>;
}

interface Asked {
  readonly model: string;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly messages: readonly { readonly content: string }[];
}

export async function startQuickProvider(firstByteMs: number, answerWords = 40): Promise<QuickProvider> {
  let calls = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      calls += 1;
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
      setTimeout(() => answer(asked, calls, answerWords, response), firstByteMs);
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get calls() {
      return calls;
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Every call has a completion id of its own, so that two calls can be told apart by their answers. */
function answer(asked: Asked, call: number, length: number, response: ServerResponse): void {
  const seed = createHash('sha256').update(JSON.stringify(asked.messages)).digest('hex');
  const words = Array.from({ length }, (_, at) => ` ${seed.slice(at % 60, (at % 60) + 4)}`);
  const usage = { prompt_tokens: 20, completion_tokens: length, total_tokens: 20 + length };
  const head = { id: `chatcmpl-${call}`, created: 1_800_000_000, model: asked.model };
  if (asked.stream !== true) {
    const message = { role: 'assistant', content: words.join('') };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }));
    return;
  }
  const withUsage = asked.stream_options?.include_usage === true;
  const event = (more: object): string =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...more, ...(withUsage && !('usage' in more) ? { usage: null } : {}) })}\n\n`;
  const delta = (fields: object, finish: string | null): string =>
    event({ choices: [{ index: 0, delta: fields, finish_reason: finish }] });
  response.setHeader('content-type', 'text/event-stream');
  response.write(delta({ role: 'assistant', content: '' }, null));
  for (let at = 0; at < length; at += 8) response.write(delta({ content: words.slice(at, at + 8).join('') }, null));
  response.end(`${delta({}, 'stop')}${withUsage ? event({ choices: [], usage }) : ''}data: [DONE]\n\n`);
}
