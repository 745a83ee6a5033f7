/**
 * Which of the provider's response headers reach the caller: what clients act upon, nothing that identifies or sets state.
 * Named one by one: `openai-organization`, `openai-project` and `anthropic-organization-id` tell whose credential this server has.
 */
const PASSED: ReadonlySet<string> = new Set([
  'content-type',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'openai-processing-ms',
  'openai-version',
]);
const PASSED_PREFIXES = ['x-ratelimit-', 'anthropic-ratelimit-'];

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The provider's own request id goes out under a name of its own: `x-request-id` is ours. */
export function safeResponseHeaders(headers: IncomingHeaders): Readonly<Record<string, string>> {
  const safe: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const text = Array.isArray(value) ? value.join(', ') : value;
    if (name === 'x-request-id') safe['x-upstream-request-id'] = text;
    else if (PASSED.has(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix))) safe[name] = text;
  }
  return safe;
}

/**
 * The whole header of a call, built from nothing: no header of the caller gets through but those that are forwarded (and
 * keyed), so neither his credentials nor cookies, host or hop-by-hop headers can.
 */
export function upstreamRequestHeaders(
  apiKey: string | null,
  forwarded: Readonly<Record<string, string>>,
  hasBody: boolean,
): Record<string, string> {
  return {
    ...forwarded,
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
    accept: 'text/event-stream, application/json',
    // Compression on the wire makes events wait for one another; what comes compressed all the same is unpacked.
    'accept-encoding': 'identity',
    'user-agent': 'promptsales-cache',
    ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
  };
}
