/**
 * Routes that speak a provider's own protocol. Their schema is the provider's, which changes without us; the document names
 * them and points there.
 */
export interface ProviderRoute {
  readonly method: 'get' | 'post';
  /** As OpenAPI writes it. */
  readonly path: `/${string}`;
  readonly provider: string;
  readonly summary: string;
  readonly description: string;
  readonly schema: `https://${string}`;
  readonly answers: readonly string[];
  readonly takesBody: boolean;
}

export const PROVIDER_ROUTES: readonly ProviderRoute[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    provider: 'OpenAI',
    summary: 'Chat completion, from the cache where it has been asked before',
    description:
      'Takes and answers what OpenAI does, as JSON or as a stream of events. `Cache-Control`, `x-cache-namespace`, `x-cache-ttl` and `x-cache-tags` steer the cache; `Cache-Status`, `Age` and `x-cache` say what it did.',
    schema: 'https://platform.openai.com/docs/api-reference/chat/create',
    answers: ['application/json', 'text/event-stream'],
    takesBody: true,
  },
  {
    method: 'post',
    path: '/v1/embeddings',
    provider: 'OpenAI',
    summary: 'Embeddings, each text from the cache where it has been embedded before',
    description:
      'Takes and answers what OpenAI does. Each item of `input` is kept by itself: only those that are not stored are asked for, in one call, and `usage` says what that call cost. `x-cache` is `HIT` only if all of them were stored.',
    schema: 'https://platform.openai.com/docs/api-reference/embeddings/create',
    answers: ['application/json'],
    takesBody: true,
  },
  {
    method: 'post',
    path: '/v1/responses',
    provider: 'OpenAI',
    summary: 'Response, from the cache where it has been asked before',
    description:
      'Takes and answers what OpenAI does, as JSON or as a stream of typed events. What refers to an earlier response, a conversation or a background run is passed through and never kept.',
    schema: 'https://platform.openai.com/docs/api-reference/responses/create',
    answers: ['application/json', 'text/event-stream'],
    takesBody: true,
  },
  {
    method: 'post',
    path: '/v1/completions',
    provider: 'OpenAI',
    summary: 'Text completion, from the cache where it has been asked before',
    description: 'Takes and answers what OpenAI does, as JSON or as a stream of events.',
    schema: 'https://platform.openai.com/docs/api-reference/completions/create',
    answers: ['application/json', 'text/event-stream'],
    takesBody: true,
  },
  {
    method: 'post',
    path: '/v1/images/generations',
    provider: 'OpenAI',
    summary: 'Images, from the cache where the same have been asked for before',
    description:
      'Takes and answers what OpenAI does, as JSON (base64 or addresses) or as a stream of drafts. An address is kept for no longer than it is good for.',
    schema: 'https://platform.openai.com/docs/api-reference/images/create',
    answers: ['application/json', 'text/event-stream'],
    takesBody: true,
  },
  {
    method: 'get',
    path: '/v1/models/{model}',
    provider: 'OpenAI',
    summary: 'One model of the upstream',
    description:
      'Answers what OpenAI does; to requests with the header `anthropic-version`, as Anthropic’s SDKs send it, what Anthropic does.',
    schema: 'https://platform.openai.com/docs/api-reference/models/retrieve',
    answers: ['application/json'],
    takesBody: false,
  },
  {
    method: 'get',
    path: '/v1/models',
    provider: 'OpenAI',
    summary: 'Models of the upstream',
    description:
      'Answers what OpenAI does; to requests with the header `anthropic-version`, as Anthropic’s SDKs send it, what Anthropic does, in pages by `limit`, `after_id` and `before_id`.',
    schema: 'https://platform.openai.com/docs/api-reference/models/list',
    answers: ['application/json'],
    takesBody: false,
  },
  {
    method: 'post',
    path: '/v1/messages',
    provider: 'Anthropic',
    summary: 'Message, from the cache where it has been asked before',
    description:
      'Takes and answers what Anthropic does, as JSON or as a stream of events; `?beta=true` as its SDKs send it. The cache is steered, and tells what it did, as for chat completions.',
    schema: 'https://platform.claude.com/docs/en/api/messages',
    answers: ['application/json', 'text/event-stream'],
    takesBody: true,
  },
  {
    method: 'post',
    path: '/v1/messages/count_tokens',
    provider: 'Anthropic',
    summary: 'Number of input tokens of a message, asked of the upstream each time',
    description: 'Takes and answers what Anthropic does. Nothing is stored, and nothing is booked: it costs nothing.',
    schema: 'https://platform.claude.com/docs/en/api/messages-count-tokens',
    answers: ['application/json'],
    takesBody: true,
  },
];
