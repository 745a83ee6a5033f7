import { PROBLEM_CODES, type ProblemCode } from './problem-codes.js';

export interface FieldError {
  /** Where in the request: `scopes[1]`, `limits.window_seconds`, a header's name. */
  readonly path: string;
  readonly message: string;
}

/** RFC 9457 problem details, as sent. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: string;
  readonly errors?: readonly FieldError[];
}

/** What went wrong, before it is written in the shape of the route. */
export interface Problem {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ProblemOptions {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error whose text is written for the caller. Throw it anywhere below a route. */
export class ProblemError extends Error implements Problem {
  readonly code: ProblemCode;
  readonly status: number;
  readonly title: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProblemError';
    this.code = code;
    this.status = PROBLEM_CODES[code].status;
    this.title = PROBLEM_CODES[code].title;
    if (options.errors !== undefined) this.errors = options.errors;
    if (options.headers !== undefined) this.headers = options.headers;
  }

  get detail(): string {
    return this.message;
  }
}

/** A problem of a known code without throwing it. */
export function problem(code: ProblemCode, detail: string, options: Omit<ProblemOptions, 'cause'> = {}): Problem {
  return { code, ...PROBLEM_CODES[code], detail, ...options };
}

export function problemDetails(what: Problem, path: string): ProblemDetails {
  return {
    type: `urn:promptsales:error:${what.code}`,
    title: what.title,
    status: what.status,
    detail: what.detail,
    instance: path,
    code: what.code,
    ...(what.errors === undefined ? {} : { errors: what.errors }),
  };
}

export interface OpenAiError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** The same problem in the shape that OpenAI's SDKs read. */
export function openAiError(what: Problem): OpenAiError {
  return {
    error: {
      message: what.detail,
      type: openAiType(what.status),
      param: what.errors?.[0]?.path ?? null,
      code: what.code === 'unauthenticated' ? 'invalid_api_key' : what.code,
    },
  };
}

export interface AnthropicError {
  readonly type: 'error';
  readonly error: { readonly type: string; readonly message: string; readonly code: string };
}

/** The same problem in the shape that Anthropic's SDKs read; `code` is ours. */
export function anthropicError({ status, detail, code }: Problem): AnthropicError {
  return { type: 'error', error: { type: anthropicType(status), message: detail, code } };
}

export interface JsonRpcError {
  readonly jsonrpc: '2.0';
  readonly error: { readonly code: number; readonly message: string; readonly data: { readonly code: string } };
  /** The request was refused before anybody read whose answer this is. */
  readonly id: null;
}

/** Of the range that JSON-RPC 2.0 leaves to servers. */
const JSON_RPC_REFUSED = -32_000;
const JSON_RPC_INTERNAL = -32_603;

/** The same problem as MCP clients read it; `data.code` is ours. */
export function jsonRpcError({ status, detail, code }: Problem): JsonRpcError {
  const rpcCode = status >= 500 ? JSON_RPC_INTERNAL : JSON_RPC_REFUSED;
  return { jsonrpc: '2.0', error: { code: rpcCode, message: detail, data: { code } }, id: null };
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

function anthropicType(status: number): string {
  return ANTHROPIC_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
