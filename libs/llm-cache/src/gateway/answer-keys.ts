import { keyspace, type KeyRef } from '@promptsales/cache-core';
import { refOfItem, type EmbeddingRef } from '../embeddings/item-refs.js';
import { refOfGeneration, type GenerationRef } from '../generations/generation-ref.js';
import { chatBodyOf, GENERATIONS_ROUTE, readGenerationRequest } from '../generations/generation-request.js';
import type { Attribution } from '../ledger/ledger.js';
import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import { EMBEDDING_ITEMS } from '../protocol/embeddings/embeddings.js';
import { readItems } from '../protocol/embeddings/request.js';
import { LlmError } from '../protocol/llm-error.js';
import type { JsonObject } from '../protocol/protocol.js';
import { NOTHING_KNOWN } from '../request/known-requests.js';
import { readBody } from '../request/request-body.js';
import type { PolicySource, UpstreamDirectory } from './directories.js';
import { EMBEDDINGS_ENDPOINT, ENDPOINTS, type Endpoint } from './endpoints.js';
import { inquire, type Circumstances } from './inquiry.js';

/** A request to an endpoint that nobody sends. */
export interface KeyedRequest {
  /** @default the first endpoint that takes such a body, before all one whose mark the headers have */
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

  /**
   * Of the one item that the request names.
   * @throws LlmError for what the gateway would refuse too, and for several items: each has a key of its own
   */
  keyOfEmbedding({ body, headers, caller }: Omit<KeyedRequest, 'endpoint'>): EmbeddingRef {
    const protocol = EMBEDDING_ITEMS;
    const arriving = { protocol, route: EMBEDDINGS_ENDPOINT.route, bytes: body, headers, caller, requestId: '' };
    const inquiry = inquire(arriving, this.#circumstances);
    const [item, ...more] = readItems((inquiry.body.value as JsonObject)['input']);
    if (item !== undefined && more.length === 0) return refOfItem(inquiry, item);
    throw new LlmError('invalid_value', "Each item of 'input' has a key of its own: name one.", { param: 'input' });
  }

  /** @throws LlmError for what the gateway would refuse, GenerationRequestError for what is no request of a generation */
  keyOfGeneration({ body, headers, caller }: Omit<KeyedRequest, 'endpoint'>): GenerationRef {
    const request = readGenerationRequest(readBody(body).value);
    const bytes = chatBodyOf(request);
    const arriving = { protocol: CHAT_COMPLETIONS, route: GENERATIONS_ROUTE, bytes, headers, caller, requestId: '' };
    return refOfGeneration(request, inquire(arriving, this.#circumstances));
  }

  #ofTheFirstThatTakes(request: KeyedRequest): AnswerRef {
    const marked = ENDPOINTS.filter(({ mark }) => mark !== undefined && request.headers[mark] !== undefined);
    let refusal: unknown;
    for (const endpoint of [...marked, ...ENDPOINTS]) {
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
    const { hash, tenant } = inquire(arriving, this.#circumstances);
    return keyspace.llmResponse.at({ hash }, tenant);
  }

  get #circumstances(): Circumstances {
    return { upstreams: this.#upstreams, policies: this.#policies, requests: NOTHING_KNOWN };
  }
}
