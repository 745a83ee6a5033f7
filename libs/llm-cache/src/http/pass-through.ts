/** Calls that are handed on as they come and whose answers are not kept, since each is cheap and about the moment. */
import { NOT_CONFIGURED, type UpstreamDirectory } from '../gateway/directories.js';
import type { Attribution } from '../ledger/ledger.js';
import { isObject } from '../protocol/json-object.js';
import { LlmError } from '../protocol/llm-error.js';
import type { Protocol } from '../protocol/protocol.js';
import { forwardedHeaders } from '../request/forwarded-headers.js';
import { readBody } from '../request/request-body.js';
import type { Upstream, UpstreamRequest } from '../upstream/upstream-client.js';
import { WholeCalls, type StreamedReply, type WholeCallReply } from '../upstream/whole-call.js';
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

/** What a provider keeps may hold images. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/** To one who is known. */
export type Sending = Omit<PassingRequest, 'bytes' | 'caller'> & Pick<UpstreamRequest, 'target' | 'method'>;

export type PassedReply = Pick<WholeCallReply, 'status' | 'headers' | 'body'>;

export class PassThrough {
  readonly #upstreams: UpstreamDirectory;
  readonly #calls: WholeCalls;

  constructor({ client, upstreams, observer }: PassThroughParts) {
    this.#upstreams = upstreams;
    this.#calls = new WholeCalls(client, (error) => observer.failed?.(error));
  }

  /** Ends what is being asked. */
  stop(): void {
    this.#calls.stop();
  }

  /**
   * @throws LlmError
   * @throws the reason of `left`
   */
  async pass({ protocol, path, bytes, headers, caller, left }: PassingRequest): Promise<PassedReply> {
    const { value } = readBody(bytes);
    const model = isObject(value) && typeof value['model'] === 'string' ? value['model'] : null;
    const target = this.#upstreams.targetFor({ operation: protocol.id, tenant: caller.tenant, model });
    if (target === null) throw new LlmError('upstream_not_configured', NOT_CONFIGURED);
    const { credentialHeader = 'authorization' } = protocol;
    const forwarded = forwardedHeaders(headers);
    const request = { target, method: 'POST' as const, path, headers: forwarded, body: bytes, credentialHeader };
    return this.#calls.make({ request, protocol, left });
  }

  /**
   * Sends what has no body.
   * @throws LlmError
   * @throws the reason of `left`
   */
  send({ protocol, headers, left, ...sent }: Sending): Promise<WholeCallReply | StreamedReply> {
    const { credentialHeader = 'authorization' } = protocol;
    const request = { ...sent, headers: forwardedHeaders(headers), body: null, credentialHeader };
    return this.#calls.makeOrStream({ request, protocol, left, maxBytes: MAX_KEPT_BYTES });
  }
}
