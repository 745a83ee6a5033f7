import type { LlmError } from './llm-error.js';
import type { Protocol } from './protocol.js';

/** The error object of OpenAI's API, as its SDKs read it. */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** OpenAI's `type` follows the status; its SDKs choose their exception class by the status alone. */
function openAiErrorType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** For errors of other layers (authentication, limits) that answer on an OpenAI-compatible route. */
export function openAiErrorBody(
  status: number,
  code: string | null,
  message: string,
  param: string | null = null,
): OpenAiErrorBody {
  return { error: { message, type: openAiErrorType(status), param, code } };
}

export function openAiErrorOf(error: LlmError): OpenAiErrorBody {
  return openAiErrorBody(error.status, error.code, error.message, error.param);
}

/** The event by which a stream that already began tells its reader that it failed; OpenAI's SDKs throw on it. */
function openAiErrorEvent(error: LlmError): Buffer {
  return Buffer.from(`data: ${JSON.stringify(openAiErrorOf(error))}\n\n`);
}

/** For the endpoints of OpenAI's API whose streams tell of errors without a type. */
export const OPENAI_ERRORS: Pick<Protocol, 'errorBody' | 'foreignErrorBody' | 'errorEvent'> = {
  errorBody: (error) => Buffer.from(JSON.stringify(openAiErrorOf(error))),
  foreignErrorBody: (status, code, message) => Buffer.from(JSON.stringify(openAiErrorBody(status, code, message))),
  errorEvent: openAiErrorEvent,
};
