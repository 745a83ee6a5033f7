import type { CachePolicy, PolicySubject } from '../request/policy.js';
import type { UpstreamTarget } from '../upstream/upstream-client.js';

/** What is to be asked, as far as it matters for whom to ask. */
export interface UpstreamQuestion {
  /** `openai.chat.completions`, `openai.models` */
  readonly operation: string;
  readonly tenant: string;
  /** Null where the question is about no model. */
  readonly model: string | null;
}

/** Whom to ask. Looked at for every request: answer from memory. */
export interface UpstreamDirectory {
  targetFor(question: UpstreamQuestion): UpstreamTarget | null;
}

/** The policies in force. Looked at for every request: answer from memory. */
export interface PolicySource {
  choose(subject: PolicySubject): CachePolicy;
}

export const NOT_CONFIGURED =
  'No provider is configured for this route. Store one at /api/providers/openai (or anthropic), or set OPENAI_BASE_URL and OPENAI_API_KEY (or ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY).';
