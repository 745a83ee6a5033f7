import type { Usage } from './ledger.js';

/**
 * Reads the `usage` object of Anthropic's Messages into token classes. Anthropic counts side by side what `Usage` counts as parts
 * of a whole: `input_tokens` are only those that neither came from the provider's cache nor were written to it, so the total
 * is added up here.
 *
 * What was written to the cache is told apart by its time to live in `cache_creation`. Where only the sum is given it is of
 * five minutes, the time that holds unless an hour was asked for. Where the parts and the sum differ, their class is not
 * known, nor therefore what was paid. It is not either where a tool of Anthropic's was used that has a price of its own, or where
 * the answer took more samplings than these counts are of (a compaction, an adviser).
 */
export function readAnthropicUsage(usage: unknown): Usage | null {
  if (!isRecord(usage)) return null;
  const outputTokens = count(usage['output_tokens']);
  const fresh = count(usage['input_tokens']);
  if (fresh === null && outputTokens === null) return null;
  const cachedInputTokens = count(usage['cache_read_input_tokens']);
  const written = writtenIn(usage);
  return {
    inputTokens:
      fresh === null || written === null
        ? null
        : fresh + (cachedInputTokens ?? 0) + (written.short ?? 0) + (written.long ?? 0),
    cachedInputTokens,
    cacheWrite5mTokens: written?.short ?? null,
    cacheWrite1hTokens: written?.long ?? null,
    audioInputTokens: null,
    imageInputTokens: null,
    outputTokens,
    reasoningTokens: thinkingIn(usage),
    audioOutputTokens: null,
    imageOutputTokens: null,
    ...(isBilledBeside(usage) ? { billedBeside: true } : {}),
  };
}

/**
 * What the answer is priced by beside its model: the capacity that served it, where it is not the standard one. Fast mode and
 * inference in one country cost something else and are therefore tiers of their own.
 */
export function anthropicTier(usage: unknown): string | null {
  if (!isRecord(usage)) return null;
  const { service_tier: tier, speed, inference_geo: geo } = usage;
  const parts = [
    typeof tier === 'string' && tier !== 'standard' ? tier : null,
    typeof speed === 'string' && speed !== 'standard' ? speed : null,
    geo === 'us' ? geo : null,
  ].filter((part) => part !== null);
  return parts.length > 0 ? parts.join('+') : typeof tier === 'string' ? tier : null;
}

/** Fetching a page costs nothing but its tokens. */
const FREE_TOOLS = new Set(['web_fetch_requests']);

function isBilledBeside({ server_tool_use: tools, iterations }: Record<string, unknown>): boolean {
  const used = isRecord(tools) && Object.entries(tools).some(([tool, times]) => !FREE_TOOLS.has(tool) && times !== 0);
  return used || (Array.isArray(iterations) && iterations.some((one) => !isRecord(one) || one['type'] !== 'message'));
}

/** Part of the output, and billed as such. */
function thinkingIn({ output_tokens_details: details }: Record<string, unknown>): number | null {
  return isRecord(details) ? count(details['thinking_tokens']) : null;
}

/** Null: it is not known which class was written. */
function writtenIn(usage: Record<string, unknown>): { short: number | null; long: number | null } | null {
  const sum = count(usage['cache_creation_input_tokens']);
  const parts = usage['cache_creation'];
  if (!isRecord(parts)) return { short: sum, long: null };
  const short = count(parts['ephemeral_5m_input_tokens']);
  const long = count(parts['ephemeral_1h_input_tokens']);
  return sum !== null && (short ?? 0) + (long ?? 0) !== sum ? null : { short, long };
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
