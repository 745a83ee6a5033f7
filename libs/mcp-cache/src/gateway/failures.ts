import { McpError, RPC } from '../json-rpc/message.js';
import { UpstreamError } from '../upstream/upstream.js';

/** What a failure means to the client; null where it is not ours to say. */
export function mcpErrorOf(error: unknown): McpError | null {
  if (error instanceof McpError) return error;
  if (!(error instanceof UpstreamError)) return null;
  const status = error.code === 'upstream_too_busy' || error.code === 'upstream_stopped' ? 503 : 502;
  return new McpError(status, RPC.internalError, error.code, error.message, null, { cause: error });
}

const UNFORESEEN = new McpError(500, RPC.internalError, 'internal_error', 'The request failed for a reason of ours.');

/** The same, where part of the answer has been sent and nobody else can say it any more. */
export function lateErrorOf(error: unknown): McpError {
  return mcpErrorOf(error) ?? UNFORESEEN;
}
