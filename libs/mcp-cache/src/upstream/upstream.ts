/** A server behind the gateway, by whatever it is reached, as streamable HTTP. */
export interface Upstream {
  /** @throws UpstreamError when there is no answer */
  send(request: UpstreamRequest): Promise<UpstreamResponse>;
  close(): Promise<void>;
}

export interface UpstreamRequest {
  /** Whose client asks. */
  readonly tenant: string;
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Buffer>;
}

export type UpstreamErrorCode =
  | 'upstream_unreachable'
  | 'upstream_private'
  | 'upstream_broke_off'
  | 'upstream_timeout'
  | 'upstream_redirects'
  | 'upstream_too_large'
  | 'upstream_too_busy'
  | 'upstream_stopped'
  | 'upstream_not_allowed';

/** Its message is for the client, and holds nothing of how the server is reached. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';

  constructor(
    readonly code: UpstreamErrorCode,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
  }
}
