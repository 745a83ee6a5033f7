import { keyspace, type KeyRef } from '@promptsales/cache-core';
import type { Attribution } from '../ledger/ledger.js';
import { LlmError } from '../protocol/llm-error.js';
import { NOTHING_KNOWN } from '../request/known-requests.js';
import type { PolicySource, UpstreamDirectory } from './directories.js';
import { ENDPOINTS, type Endpoint } from './endpoints.js';
import { inquire } from './inquiry.js';

/** A request to an endpoint that nobody sends. */
export interface KeyedRequest {
  /** @default the first endpoint that takes such a body */
  readonly endpoint?: string;
  readonly body: Buffer;
  /** Those of the one who asks: what the gateway forwards, and `x-cache-namespace`, are part of the identity. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly caller: Attribution;
}

type AnswerRef = KeyRef<typeof keyspace.llmResponse>;

/** Where the gateway keeps the answer to a request: computed by the gateway's own code, so that it cannot differ. */
export class AnswerKeys {
  readonly #upstreams: UpstreamDirectory;
  readonly #policies: PolicySource;

  constructor(upstreams: UpstreamDirectory, policies: PolicySource) {
    this.#upstreams = upstreams;
    this.#policies = policies;
  }

  /** @throws LlmError for what the gateway would refuse too */
  keyOf(request: KeyedRequest): AnswerRef {
    const { endpoint: route } = request;
    if (route === undefined) return this.#ofTheFirstThatTakes(request);
    const endpoint = ENDPOINTS.find((one) => one.route === route);
    if (endpoint !== undefined) return this.#keyAt(endpoint, request);
    const routes = ENDPOINTS.map((one) => one.route).join(', ');
    throw new LlmError('invalid_value', `No endpoint of that name keeps answers; it takes one of ${routes}.`, {
      param: 'endpoint',
    });
  }

  #ofTheFirstThatTakes(request: KeyedRequest): AnswerRef {
    let refusal: unknown;
    for (const endpoint of ENDPOINTS) {
      try {
        return this.#keyAt(endpoint, request);
      } catch (error) {
        if (!(error instanceof LlmError)) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  #keyAt({ protocol, route }: Endpoint, { body, headers, caller }: KeyedRequest): AnswerRef {
    const arriving = { protocol, route, bytes: body, headers, caller, requestId: '' };
    const circumstances = { upstreams: this.#upstreams, policies: this.#policies.current(), requests: NOTHING_KNOWN };
    const { hash, tenant } = inquire(arriving, circumstances);
    return keyspace.llmResponse.at({ hash }, tenant);
  }
}
