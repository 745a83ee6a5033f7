/** Calls that are handed on as they come and whose answers are not kept, since each is cheap and about the moment. */
import { NOT_CONFIGURED, type UpstreamDirectory } from '../gateway/directories.js';
import type { Attribution } from '../ledger/ledger.js';
import { isObject } from '../protocol/json-object.js';
import { LlmError } from '../protocol/llm-error.js';
import type { Protocol } from '../protocol/protocol.js';
import { forwardedHeaders } from '../request/forwarded-headers.js';
import { readBody } from '../request/request-body.js';
import { readable, unauthorizedIn } from '../upstream/refusal.js';
import { collect } from '../upstream/upstream-body.js';
import type { Upstream } from '../upstream/upstream-client.js';
import type { LlmCacheObserver } from './llm-cache-observer.js';

export interface PassThroughParts {
  readonly client: Upstream;
  readonly upstreams: UpstreamDirectory;
  readonly observer: LlmCacheObserver;
}

export interface PassingRequest {
  /** Whose credential, whose errors. */
  readonly protocol: Protocol;
  /** Below the base URL. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly caller: Attribution;
  /** Aborted when the client has left. */
  readonly left: AbortSignal;
}

export interface PassedReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const MAX_BYTES = 4 * 1024 * 1024;

export class PassThrough {
  readonly #parts: PassThroughParts;
  readonly #stopping = new AbortController();

  constructor(parts: PassThroughParts) {
    this.#parts = parts;
  }

  /** Ends what is being asked. */
  stop(): void {
    this.#stopping.abort(
      new LlmError('shutting_down', 'This server is stopping. Ask again.', { retryAfterSeconds: 1 }),
    );
  }

  /**
   * @throws LlmError
   * @throws the reason of `left`
   */
  async pass({ protocol, path, bytes, headers, caller, left }: PassingRequest): Promise<PassedReply> {
    const { client, upstreams, observer } = this.#parts;
    const { value } = readBody(bytes);
    const model = isObject(value) && typeof value['model'] === 'string' ? value['model'] : null;
    const target = upstreams.targetFor({ operation: protocol.id, tenant: caller.tenant, model });
    if (target === null) throw new LlmError('upstream_not_configured', NOT_CONFIGURED);
    const response = await client.call({
      target,
      method: 'POST',
      path,
      headers: forwardedHeaders(headers),
      body: bytes,
      credentialHeader: protocol.credentialHeader ?? 'authorization',
      signal: AbortSignal.any([this.#stopping.signal, left]),
    });
    left.throwIfAborted();
    if (response.kind === 'failed') throw response.error;
    if (response.kind === 'refused') {
      const unauthorized = unauthorizedIn(response);
      if (unauthorized !== null) {
        observer.failed?.(unauthorized);
        throw unauthorized;
      }
      return readable(response, (code, message) => protocol.foreignErrorBody(response.status, code, message));
    }
    return { status: response.status, headers: response.headers, body: await collect(response.bytes, MAX_BYTES) };
  }
}
