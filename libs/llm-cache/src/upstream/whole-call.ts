/** A call whose answer is taken as a whole and handed on. */
import { LlmError } from '../protocol/llm-error.js';
import type { Protocol } from '../protocol/protocol.js';
import { readable, unauthorizedIn } from './refusal.js';
import { collect } from './upstream-body.js';
import type { Upstream, UpstreamRequest, UpstreamResponse } from './upstream-client.js';

export interface WholeCall {
  readonly request: Omit<UpstreamRequest, 'signal'>;
  /** What the provider says in no shape of its protocol is put into it. */
  readonly protocol: Pick<Protocol, 'foreignErrorBody'>;
  /** Aborted when the client has left. */
  readonly left: AbortSignal;
}

export interface WholeCallReply {
  readonly kind: 'answered' | 'refused';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const MAX_BYTES = 4 * 1024 * 1024;

export class WholeCalls {
  readonly #upstream: Upstream;
  readonly #failed: (error: unknown) => void;
  readonly #stopping = new AbortController();

  /** @param failed told of what the server's operator has to look into */
  constructor(upstream: Upstream, failed: (error: unknown) => void) {
    this.#upstream = upstream;
    this.#failed = failed;
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
  async make({ request, protocol, left }: WholeCall): Promise<WholeCallReply> {
    const signal = AbortSignal.any([this.#stopping.signal, left]);
    const response = await this.#upstream.call({ ...request, signal });
    try {
      return await this.#read(response, protocol);
    } finally {
      // What has come is read all the same: only so are its connection and its breaker let go.
      left.throwIfAborted();
    }
  }

  async #read(response: UpstreamResponse, protocol: WholeCall['protocol']): Promise<WholeCallReply> {
    if (response.kind === 'failed') throw response.error;
    if (response.kind !== 'refused') {
      const { status, headers, bytes } = response;
      return { kind: 'answered', status, headers, body: await collect(bytes, MAX_BYTES) };
    }
    const unauthorized = unauthorizedIn(response);
    if (unauthorized === null) {
      return readable(response, (code, message) => protocol.foreignErrorBody(response.status, code, message));
    }
    this.#failed(unauthorized);
    throw unauthorized;
  }
}
