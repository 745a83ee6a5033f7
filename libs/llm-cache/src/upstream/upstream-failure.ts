import { errors } from 'undici';
import { LlmError } from '../protocol/llm-error.js';

/** At which moment the call failed; the same broken socket means different things before and after the answer began. */
export type CallPhase = 'connecting' | 'answering';

/** What a thrown error of the HTTP client means for the caller: 502 for what is broken, 504 for what took too long. */
export function failureOf(thrown: unknown, phase: CallPhase): LlmError {
  if (thrown instanceof LlmError) return thrown;
  const code = codeOf(thrown);
  const details = { cause: thrown };
  if (thrown instanceof errors.ConnectTimeoutError || code === 'ETIMEDOUT') {
    return new LlmError('upstream_timeout', `The provider could not be connected to in time (${code}).`, details);
  }
  if (thrown instanceof errors.HTTPParserError || /^(?:Z_|ERR__?ERROR_|ERR_BROTLI|ERR_ZSTD|ZSTD_)/.test(code)) {
    return new LlmError(
      'upstream_invalid_response',
      "The provider's answer cannot be read: it is no HTTP, or wrongly compressed.",
      details,
    );
  }
  if (phase === 'answering') {
    return new LlmError('upstream_died', `The provider's answer broke off before its end (${code}).`, details);
  }
  return new LlmError('upstream_unreachable', `The provider could not be reached (${code}).`, details);
}

function codeOf(thrown: unknown): string {
  const error = thrown instanceof AggregateError && thrown.errors.length > 0 ? (thrown.errors[0] as unknown) : thrown;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}
