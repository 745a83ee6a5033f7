import type { LlmError } from './llm-error.js';

/** The error object of Anthropic's API, as its SDKs read it. `code` is ours: Anthropic has none, and its SDKs pass it on. */
export interface AnthropicErrorBody {
  readonly type: 'error';
  readonly error: {
    readonly type: string;
    readonly message: string;
    readonly code?: string;
  };
}

const TYPES: ReadonlyMap<number, string> = new Map([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

/** Anthropic's `type` follows the status; its SDKs choose their exception class by the status alone. */
function anthropicErrorType(status: number): string {
  return TYPES.get(status) ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

export function anthropicErrorBody(status: number, code: string, message: string): AnthropicErrorBody {
  return { type: 'error', error: { type: anthropicErrorType(status), message, code } };
}

export function anthropicErrorOf({ status, code, message }: LlmError): AnthropicErrorBody {
  return anthropicErrorBody(status, code, message);
}

/** The event by which a stream that already began tells its reader that it failed; Anthropic's SDKs throw on it. */
export function anthropicErrorEvent(error: LlmError): Buffer {
  return Buffer.from(`event: error\ndata: ${JSON.stringify(anthropicErrorOf(error))}\n\n`);
}
