/**
 * Routes that speak a provider's own protocol. Their schema is the provider's, which changes without us; the document names
 * them and points there.
 */
export interface ProviderRoute {
  readonly method: 'get' | 'post' | 'delete';
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
    path: '/v1/responses/{response_id}',
    provider: 'OpenAI',
    summary: 'A response that the provider keeps',
    description:
      'Answers what OpenAI does, with `stream=true` as events. Only what the caller’s tenant had made by way of this server: another’s is 404, as one that there never was.',
    schema: 'https://platform.openai.com/docs/api-reference/responses/get',
    answers: ['application/json', 'text/event-stream'],
    takesBody: false,
  },
  {
    method: 'delete',
    path: '/v1/responses/{response_id}',
    provider: 'OpenAI',
    summary: 'Delete a response that the provider keeps',
    description:
      'Answers what OpenAI does. Only what the caller’s tenant had made. What the cache keeps of it is invalidated by tags or namespaces, as any answer.',
    schema: 'https://platform.openai.com/docs/api-reference/responses/delete',
    answers: ['application/json'],
    takesBody: false,
  },
  {
    method: 'post',
    path: '/v1/responses/{response_id}/cancel',
    provider: 'OpenAI',
    summary: 'Cancel a response that is made in the background',
    description: 'Answers what OpenAI does. Only what the caller’s tenant had made.',
    schema: 'https://platform.openai.com/docs/api-reference/responses/cancel',
    answers: ['application/json'],
    takesBody: false,
  },
  {
    method: 'get',
    path: '/v1/responses/{response_id}/input_items',
    provider: 'OpenAI',
    summary: 'What a response was made from',
    description:
      'Answers what OpenAI does, in pages by `limit`, `order`, `after` and `before`. Only of what the caller’s tenant had made.',
    schema: 'https://platform.openai.com/docs/api-reference/responses/input-items',
    answers: ['application/json'],
    takesBody: false,
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
  {
    method: 'post',
    path: '/mcp/{server}',
    provider: 'MCP',
    summary: 'Send a message to a configured MCP server',
    description:
      'Streamable HTTP of the protocol versions 2025-06-18, 2025-11-25 and 2026-07-28. Lists, resources and what the operator allows are answered from the cache; everything else is passed on as it is. A client over its limits gets 429.',
    schema: 'https://modelcontextprotocol.io/specification/2025-11-25/basic/transports',
    answers: ['application/json', 'text/event-stream'],
    takesBody: true,
  },
  {
    method: 'get',
    path: '/mcp/{server}',
    provider: 'MCP',
    summary: 'Listen to a configured MCP server',
    description:
      'What the server sends of its own accord. What it tells of as changed is no longer served when the client hears of it.',
    schema: 'https://modelcontextprotocol.io/specification/2025-11-25/basic/transports',
    answers: ['text/event-stream'],
    takesBody: false,
  },
  {
    method: 'delete',
    path: '/mcp/{server}',
    provider: 'MCP',
    summary: 'End a session with a configured MCP server',
    description: 'Passed on to the server.',
    schema: 'https://modelcontextprotocol.io/specification/2025-11-25/basic/transports',
    answers: ['application/json'],
    takesBody: false,
  },
];
