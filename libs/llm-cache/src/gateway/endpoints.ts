import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import { COMPLETIONS } from '../protocol/completions/completions.js';
import { EMBEDDINGS } from '../protocol/embeddings/embeddings.js';
import { IMAGES } from '../protocol/images/images.js';
import { isObject } from '../protocol/json-object.js';
import { BETA_MESSAGES, MESSAGES } from '../protocol/messages/messages.js';
import type { Protocol } from '../protocol/protocol.js';
import { RESPONSES } from '../protocol/responses/responses.js';

/** A route on which one request has one answer. */
export interface Endpoint {
  /** As it is documented; names the route in the ledger. */
  readonly route: `/v1/${string}`;
  readonly protocol: Protocol;
  /** The protocol of a request whose query says so. */
  readonly byQuery?: (query: unknown) => Protocol;
  /** A header that only clients of this endpoint send. */
  readonly mark?: string;
}

export const MESSAGES_ENDPOINT: Endpoint = {
  route: '/v1/messages',
  protocol: MESSAGES,
  byQuery: messagesByQuery,
  mark: 'anthropic-version',
};

/** Every endpoint whose answers are kept whole. A further one is a line here, one in the access table and one in the document. */
export const ENDPOINTS: readonly Endpoint[] = [
  { route: '/v1/chat/completions', protocol: CHAT_COMPLETIONS },
  { route: '/v1/responses', protocol: RESPONSES },
  { route: '/v1/completions', protocol: COMPLETIONS },
  { route: '/v1/images/generations', protocol: IMAGES },
  MESSAGES_ENDPOINT,
];

/** Its answers are kept item by item. */
export const EMBEDDINGS_ENDPOINT: Endpoint = { route: '/v1/embeddings', protocol: EMBEDDINGS };

function messagesByQuery(query: unknown): Protocol {
  return isObject(query) && query['beta'] === 'true' ? BETA_MESSAGES : MESSAGES;
}
