/**
 * Every error that a caller of a provider-compatible route can see, in one class. The protocol of the route gives it
 * its shape (see `openAiErrorBody`); code and status are stable and are what clients and tests may rely on.
 */

/** Stable codes with the HTTP status each one always has. */
export const LLM_ERROR_STATUS = {
  invalid_request: 400,
  invalid_json: 400,
  invalid_utf8: 400,
  missing_required_parameter: 400,
  invalid_type: 400,
  invalid_value: 400,
  empty_array: 400,
  invalid_cache_control: 400,
  invalid_cache_header: 400,
  previous_response_not_found: 400,
  response_not_found: 404,
  unsupported_media_type: 415,
  request_too_large: 413,
  internal_error: 500,
  upstream_unreachable: 502,
  upstream_invalid_response: 502,
  upstream_too_large: 502,
  upstream_died: 502,
  upstream_unauthorized: 502,
  upstream_not_configured: 503,
  upstream_circuit_open: 503,
  ledger_unavailable: 503,
  shutting_down: 503,
  overloaded: 503,
  upstream_timeout: 504,
  not_in_cache: 504,
} as const;

export type LlmErrorCode = keyof typeof LLM_ERROR_STATUS;

export interface LlmErrorDetails {
  /** The request parameter concerned, in the provider's dotted form (`messages[0].role`). */
  readonly param?: string;
  /** Seconds for `Retry-After`, where waiting can help. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

export class LlmError extends Error {
  readonly code: LlmErrorCode;
  readonly status: number;
  readonly param: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(code: LlmErrorCode, message: string, details: LlmErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'LlmError';
    this.code = code;
    this.status = LLM_ERROR_STATUS[code];
    this.param = details.param ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
  }
}

/** What the caller is told about something we did not foresee: nothing of its text, which may hold secrets. */
export function toLlmError(thrown: unknown): LlmError {
  if (thrown instanceof LlmError) return thrown;
  return new LlmError('internal_error', 'The gateway failed to handle this request. Retrying is safe.', {
    cause: thrown,
  });
}
