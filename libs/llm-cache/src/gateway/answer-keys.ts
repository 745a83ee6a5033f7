import { keyspace, type KeyRef } from '@promptsales/cache-core';
import type { Attribution } from '../ledger/ledger.js';
import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import type { PolicySource, UpstreamDirectory } from './directories.js';
import { inquire } from './inquiry.js';

/** A request to `POST /v1/chat/completions` that nobody sends. */
export interface KeyedRequest {
  readonly body: Buffer;
  /** Those of the one who asks: what the gateway forwards, and `x-cache-namespace`, are part of the identity. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly caller: Attribution;
}

/** Where the gateway keeps the answer to a request: computed by the gateway's own code, so that it cannot differ. */
export class AnswerKeys {
  readonly #upstreams: UpstreamDirectory;
  readonly #policies: PolicySource;

  constructor(upstreams: UpstreamDirectory, policies: PolicySource) {
    this.#upstreams = upstreams;
    this.#policies = policies;
  }

  /** @throws LlmError for what the gateway would refuse too */
  keyOf({ body, headers, caller }: KeyedRequest): KeyRef<typeof keyspace.llmResponse> {
    const arriving = {
      protocol: CHAT_COMPLETIONS,
      route: '/v1/chat/completions',
      bytes: body,
      headers,
      caller,
      requestId: '',
    };
    const circumstances = { upstreams: this.#upstreams, policies: this.#policies.current() };
    const { hash, tenant } = inquire(arriving, circumstances);
    return keyspace.llmResponse.at({ hash }, tenant);
  }
}
