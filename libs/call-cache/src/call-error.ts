export type CallErrorCode =
  | 'not_found'
  | 'bad_url'
  | 'not_implemented'
  | 'request_timeout'
  | 'bad_gateway'
  | 'gateway_timeout'
  | 'service_unavailable'
  | 'too_many_requests'
  | 'only_if_cached'
  | 'shutting_down';

const STATUS: Readonly<Record<CallErrorCode, number>> = {
  not_found: 404,
  bad_url: 400,
  not_implemented: 501,
  request_timeout: 408,
  bad_gateway: 502,
  gateway_timeout: 504,
  service_unavailable: 503,
  too_many_requests: 429,
  only_if_cached: 504,
  shutting_down: 503,
};

export interface CallErrorOptions {
  readonly retryAfterSeconds?: number;
  /** What the answer says of it besides, by names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A call that cannot be carried out. Its text is written for the caller and holds no credential. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly httpStatus: number;

  constructor(
    readonly code: CallErrorCode,
    message: string,
    readonly options: CallErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.httpStatus = STATUS[code];
  }
}
