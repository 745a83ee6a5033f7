import type { CredentialHeader } from '../protocol/protocol.js';

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
/** OpenAI's name for it, and Anthropic's. */
const REQUEST_IDS: ReadonlySet<string> = new Set(['x-request-id', 'request-id']);
/** Providers may send other bytes, which would make the whole answer one that cannot be sent. */
const SENDABLE = /^[\t\x20-\x7e]*$/;
const PASSED_PREFIXES = ['x-ratelimit-', 'anthropic-ratelimit-'];

/** What of a call its header is made of. */
interface UpstreamCall {
  readonly target: { readonly apiKey: string | null };
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  readonly credentialHeader?: CredentialHeader;
}

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The provider's own request id goes out under a name of its own: `x-request-id` is ours. */
export function safeResponseHeaders(headers: IncomingHeaders): Readonly<Record<string, string>> {
  const safe: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const text = Array.isArray(value) ? value.join(', ') : value;
    if (!SENDABLE.test(text)) continue;
    if (REQUEST_IDS.has(name)) safe['x-upstream-request-id'] = text;
    else if (PASSED.has(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix))) safe[name] = text;
  }
  return safe;
}

/**
 * The whole header of a call, built from nothing: no header of the caller gets through but those that are forwarded (and
 * keyed), so neither his credentials nor cookies, host or hop-by-hop headers can.
 */
export function upstreamRequestHeaders(call: UpstreamCall): Record<string, string> {
  return {
    ...call.headers,
    ...(call.body === null ? {} : { 'content-type': 'application/json' }),
    accept: 'text/event-stream, application/json',
    // Compression on the wire makes events wait for one another; what comes compressed all the same is unpacked.
    'accept-encoding': 'identity',
    'user-agent': 'promptsales-cache',
    ...credentialIn(call),
  };
}

function credentialIn({
  target: { apiKey },
  credentialHeader = 'authorization',
}: UpstreamCall): Record<string, string> {
  if (apiKey === null) return {};
  return { [credentialHeader]: credentialHeader === 'authorization' ? `Bearer ${apiKey}` : apiKey };
}
