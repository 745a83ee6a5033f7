import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChatCompletionRequest, type Fixture, LLMock } from '@copilotkit/aimock';
import { answerTo } from './answer.js';
import { Embeddings } from './embeddings.js';
import { jsonOf, sendJson } from './http-json.js';
import { Images, PIXEL } from './images.js';
import { Models } from './models.js';
import { OPENAI_FORMS } from './openai-forms.js';
import { TextCompletions } from './text-completions.js';
import { UNKNOWN_ADDRESS } from './unknown-address.js';

export interface SimulatedProviderOptions {
  /** @default a free port */
  readonly port?: number;
  /** Until the first byte of an answer. @default 0 */
  readonly firstByteMs?: number;
  /** Between two chunks of a stream. @default 0 */
  readonly betweenChunksMs?: number;
  /** Characters in one chunk of a stream. @default 24 */
  readonly chunkCharacters?: number;
  /** Answers of the caller's own, tried before the built-in one: tool calls, refusals, broken streams. */
  readonly fixtures?: readonly Fixture[];
}

export interface SimulatedProvider {
  /** For `OPENAI_BASE_URL`. */
  readonly openaiBaseUrl: string;
  /** The address without a path, for Anthropic's SDK. */
  readonly url: string;
  stop(): Promise<void>;
}

/** What `GET /v1/models` lists; any other model is answered as well. */
const LISTED_MODELS = ['gpt-4o-mini', 'gpt-4o', 'gpt-4.1', 'gpt-4.1-mini', 'claude-sonnet-5-5', 'claude-haiku-5-5'];

/** About four characters to a token: near enough for money to be computed from it. */
const tokensOf = (text: string): number => Math.max(1, Math.ceil(text.length / 4));

const wantsJson = (request: ChatCompletionRequest): boolean =>
  request.response_format?.type === 'json_object' || request.response_format?.type === 'json_schema';

/** Of structured outputs. */
const schemaOf = ({ response_format: format }: ChatCompletionRequest): unknown =>
  (format as { json_schema?: { schema?: unknown } } | undefined)?.json_schema?.schema;

/** Anthropic's `POST /v1/messages/count_tokens`, counted as answers count their input. */
async function countTokens(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const messages = ((await jsonOf(request)) as { readonly messages?: unknown } | null)?.messages;
  if (Array.isArray(messages)) sendJson(response, 200, { input_tokens: tokensOf(JSON.stringify(messages)) });
  else {
    const error = { type: 'invalid_request_error', message: 'messages: Input should be a valid list' };
    sendJson(response, 400, { type: 'error', error });
  }
  return true;
}

/** Whatever is asked as a chat in any provider's protocol; edited images and the rest are aimock's own. */
const isChat = (request: ChatCompletionRequest): boolean =>
  request.embeddingInput === undefined && (request._endpointType ?? 'chat') === 'chat';

/**
 * Starts an OpenAI-compatible provider in this process. It answers every question, the same one always with the same
 * text, and keeps nothing of what it was asked: for counts put `startCountingProxy` before it.
 */
export async function startSimulatedProvider(options: SimulatedProviderOptions = {}): Promise<SimulatedProvider> {
  const { firstByteMs = 0, betweenChunksMs = 0, chunkCharacters = 24 } = options;
  const mock = new LLMock({
    host: '127.0.0.1',
    port: options.port ?? 0,
    chunkSize: chunkCharacters,
    // Zero would mean an unbounded journal.
    journalMaxEntries: 1,
  });
  mock.addFixtures([...(options.fixtures ?? [])]);
  // The models that are listed are those that fixtures name; these answer nothing themselves.
  for (const model of LISTED_MODELS) {
    mock.addFixture({ match: { model, predicate: () => false }, response: { content: '' } });
  }
  mock.addFixture({
    match: { predicate: isChat },
    latency: betweenChunksMs,
    response: async (request) => {
      if (firstByteMs > 0) await sleep(firstByteMs);
      const { model, messages } = request;
      const content = answerTo({ model, messages, wantsJson: wantsJson(request), schema: schemaOf(request) });
      const [asked, answered] = [tokensOf(JSON.stringify(messages)), tokensOf(content)];
      return {
        content,
        usage: { prompt_tokens: asked, completion_tokens: answered, input_tokens: asked, output_tokens: answered },
      };
    },
  });
  mock.addFixture({ match: { endpoint: 'image' }, response: { image: { b64Json: PIXEL } } });
  mock.mount('/v1', OPENAI_FORMS);
  mock.mount('/v1/embeddings', new Embeddings({ firstByteMs }));
  mock.mount('/v1/images/generations', new Images({ firstByteMs, betweenImagesMs: betweenChunksMs }));
  mock.mount('/v1/completions', new TextCompletions({ firstByteMs, betweenChunksMs, chunkCharacters }));
  mock.mount('/v1/models', new Models(LISTED_MODELS.filter((model) => model.startsWith('claude-'))));
  mock.mount('/v1/messages/count_tokens', { handleRequest: countTokens });
  mock.mount('/v1', UNKNOWN_ADDRESS);
  await mock.start();
  return { url: mock.url, openaiBaseUrl: `${mock.url}/v1`, stop: () => mock.stop() };
}
