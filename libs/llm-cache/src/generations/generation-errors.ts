import { HttpException } from '@nestjs/common';
import type { GatewayReply } from '../gateway/gateway-reply.js';
import { ClientLeftError } from '../gateway/gateway-reply.js';
import { complaintIn } from '../protocol/complaint.js';
import { isObject, parsed } from '../protocol/json-object.js';
import { LlmError } from '../protocol/llm-error.js';

/** The provider's own refusal, which speaks its protocol and not this route's. */
export class RefusedByProviderError extends Error {
  readonly code = 'upstream_refused';
  readonly status: number;
  readonly retryAfter: string | null;

  constructor({ status, headers, body }: GatewayReply) {
    const said = Buffer.isBuffer(body) ? parsed(body.toString()) : null;
    super(`The provider refused (${status}): ${complaintIn(isObject(said) ? said['error'] : null)}`);
    this.name = 'RefusedByProviderError';
    this.status = status;
    this.retryAfter = headers['retry-after'] ?? null;
  }
}

/** Nobody reads it; it stands in logs and metrics for a client that has left (nginx's convention). */
const CLIENT_CLOSED_REQUEST = 499;

export interface ToldError {
  readonly problem: HttpException;
  readonly retryAfter: string | null;
}

/** What an error of the gateway is on a route that answers in problem details. Null: it is none. */
export function toldOf(error: unknown): ToldError | null {
  if (error instanceof LlmError) {
    const { code, status, message, retryAfterSeconds } = error;
    const retryAfter = retryAfterSeconds === null ? null : String(retryAfterSeconds);
    return { problem: new HttpException({ code, detail: message }, status, { cause: error }), retryAfter };
  }
  if (error instanceof RefusedByProviderError) {
    const { code, message, retryAfter } = error;
    // A failure of the provider is not one of this server.
    const status = error.status >= 500 ? 502 : error.status;
    return { problem: new HttpException({ code, detail: message }, status, { cause: error }), retryAfter };
  }
  if (!(error instanceof ClientLeftError)) return null;
  return {
    problem: new HttpException({ code: error.code, detail: error.message }, CLIENT_CLOSED_REQUEST),
    retryAfter: null,
  };
}
