/**
 * A provider whose answers have the tokens that a trace says, in OpenAI's and Anthropic's protocol, streamed slowly enough that a
 * kill meets answers in their middle. Each call has an answer id of its own, by which it is found again in any book.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TraceRequest } from './trace.js';

export interface TraceProvider {
  /** Without a path, for Anthropic's SDK; OpenAI's takes it with `/v1`. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface TraceProviderOptions {
  readonly firstByteMs: number;
  /** Between the pieces of an answer. */
  readonly pieceMs: number;
}

const PIECES = 8;

/** What a request of the trace asks, so that the provider knows what to count. */
export function tracePrompt({ key, inputTokens, outputTokens }: TraceRequest): string {
  return `${key} in=${inputTokens} out=${outputTokens}`;
}

interface Asked {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly { readonly content: string }[];
}

interface Tokens {
  readonly input: number;
  readonly output: number;
}

export async function startTraceProvider(options: TraceProviderOptions): Promise<TraceProvider> {
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    // Whoever hangs up in the middle is no failure of the provider's.
    void answer(request, response, calls, options).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  call: number,
  { firstByteMs, pieceMs }: TraceProviderOptions,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const asked = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
  const [, input = '0', output = '0'] = / in=(\d+) out=(\d+)$/.exec(asked.messages.at(-1)?.content ?? '') ?? [];
  const tokens = { input: Number(input), output: Number(output) };
  const pieces = Array.from({ length: PIECES }, (_, at) => ` piece ${at} of ${call}`);
  const events = request.url?.startsWith('/v1/messages') === true ? messageEvents : chatEvents;
  await pause(firstByteMs);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events(asked.model, call, tokens, pieces)) {
    if (response.destroyed) return;
    response.write(event);
    await pause(pieceMs);
  }
  response.end();
}

function* chatEvents(
  model: string,
  call: number,
  { input, output }: Tokens,
  pieces: readonly string[],
): Generator<string> {
  const head = { id: `chatcmpl-trace-${call}`, object: 'chat.completion.chunk', created: 1_800_000_000, model };
  const chunk = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finish }], usage: null })}\n\n`;
  yield chunk({ role: 'assistant', content: '' }, null);
  for (const content of pieces) yield chunk({ content }, null);
  yield chunk({}, 'stop');
  const usage = {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: Math.floor(input / 3) },
    completion_tokens_details: { reasoning_tokens: Math.floor(output / 4) },
  };
  yield `data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`;
}

function* messageEvents(
  model: string,
  call: number,
  { input, output }: Tokens,
  pieces: readonly string[],
): Generator<string> {
  const event = (type: string, more: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  const [read, short, long] = [Math.floor(input / 4), Math.floor(input / 8), Math.floor(input / 16)];
  const usage = {
    input_tokens: input - read - short - long,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: short + long,
    cache_creation: { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long },
    output_tokens: 1,
  };
  const message = {
    id: `msg_trace_${call}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    usage,
  };
  yield event('message_start', { message });
  yield event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  for (const text of pieces) yield event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  yield event('content_block_stop', { index: 0 });
  yield event('message_delta', {
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: output },
  });
  yield event('message_stop', {});
}
