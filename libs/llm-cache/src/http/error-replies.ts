import { forwardedCacheHeaders } from '@promptsales/cache-core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientLeftError } from '../gateway/gateway-reply.js';
import { LlmError, toLlmError, type LlmErrorCode } from '../protocol/llm-error.js';
import { OPENAI_ERRORS } from '../protocol/openai-error.js';
import type { Protocol } from '../protocol/protocol.js';
import type { LlmCacheObserver } from './llm-cache-observer.js';

/** Nobody reads it; it stands in logs and metrics for a client that has left (nginx's convention). */
const CLIENT_CLOSED_REQUEST = 499;

/** Asked for from the cache alone, so that nothing was forwarded. */
const NOT_FORWARDED = { 'x-cache': 'MISS', 'cache-status': 'promptsales; detail=only-if-cached' };

/**
 * The SDKs repeat what ends in 5xx. To look again into the same cache helps nobody; a longer answer than can be handed on in one
 * piece is paid for each time, and a credential that the provider does not take stays that.
 */
const FINAL: ReadonlySet<LlmErrorCode> = new Set(['not_in_cache', 'upstream_too_large', 'upstream_unauthorized']);

/** Every error on a provider-compatible route, in the shape of its protocol, whoever threw it. */
export function replyWithError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  observer: LlmCacheObserver,
  protocol: Pick<Protocol, 'errorBody'> = OPENAI_ERRORS,
): void {
  if (error instanceof ClientLeftError) {
    void reply.code(CLIENT_CLOSED_REQUEST).send();
    return;
  }
  const told = asLlmError(error);
  if (told.code === 'internal_error') {
    request.log.error({ err: error }, 'a request failed unexpectedly');
    observer.failed?.(error);
  }
  if (told.retryAfterSeconds !== null) reply.header('retry-after', String(told.retryAfterSeconds));
  if (FINAL.has(told.code)) reply.header('x-should-retry', 'false');
  if (told.code === 'not_in_cache') {
    reply.headers(NOT_FORWARDED);
  } else if (told.status >= 500 && error instanceof LlmError) {
    reply.headers(forwardedCacheHeaders('MISS'));
  }
  void reply.code(told.status).type('application/json; charset=utf-8').send(protocol.errorBody(told));
}

function asLlmError(error: unknown): LlmError {
  if (error instanceof LlmError || !(error instanceof Error)) return toLlmError(error);
  const { statusCode } = error as Error & { statusCode?: unknown };
  if (statusCode === 413)
    return new LlmError('request_too_large', 'The request body is larger than this server takes.', { cause: error });
  if (statusCode === 415) {
    return new LlmError('unsupported_media_type', "Unsupported content type: expected 'application/json'.", {
      cause: error,
    });
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new LlmError('invalid_request', 'The request could not be read.', { cause: error });
  }
  return toLlmError(error);
}
