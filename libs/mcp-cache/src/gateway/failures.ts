import { errorBody, McpError, RPC, type ClientMessage } from '../json-rpc/message.js';
import { eventOf } from './interim.js';
import { UpstreamError, type UpstreamErrorCode } from '../upstream/upstream.js';

const STATUS: Partial<Record<UpstreamErrorCode, number>> = {
  upstream_too_busy: 503,
  upstream_stopped: 503,
  upstream_timeout: 504,
};

/** What a failure means to the client; null where it is not ours to say. */
export function mcpErrorOf(error: unknown): McpError | null {
  if (error instanceof McpError) return error;
  if (!(error instanceof UpstreamError)) return null;
  return new McpError(STATUS[error.code] ?? 502, RPC.internalError, error.code, error.message, null, { cause: error });
}

const UNFORESEEN = new McpError(500, RPC.internalError, 'internal_error', 'The request failed for a reason of ours.');

/** The same, where part of the answer has been sent and nobody else can say it any more. */
export function lateErrorOf(error: unknown): McpError {
  return mcpErrorOf(error) ?? UNFORESEEN;
}

/**
 * Where a server falls silent in the middle of its answer, its client is told so in its place. (What breaks off is broken off
 * there, too: a client may come back for the rest.)
 */
export async function* withItsFailure(
  stream: AsyncIterable<Buffer>,
  message: ClientMessage | undefined,
): AsyncGenerator<Buffer> {
  try {
    yield* stream;
  } catch (error) {
    const silent = error instanceof UpstreamError && error.code === 'upstream_timeout';
    if (!silent || message === undefined) throw error;
    yield eventOf(errorBody(lateErrorOf(error), message.id));
  }
}
