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
  /** @default 4 MiB */
  readonly maxBytes?: number;
}

export interface WholeCallReply {
  readonly kind: 'answered' | 'refused';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Events, handed on as they come. */
export interface StreamedReply {
  readonly kind: 'stream';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Begun: whoever gives it up ends the call. */
  readonly body: AsyncIterable<Buffer>;
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
  make(call: WholeCall): Promise<WholeCallReply> {
    return this.#call(call, (response) => this.#read(response, call));
  }

  /** As `make`, but for a stream of events, which is not waited for. */
  makeOrStream(call: WholeCall): Promise<WholeCallReply | StreamedReply> {
    return this.#call<WholeCallReply | StreamedReply>(call, async (response) => {
      if (response.kind !== 'stream') return this.#read(response, call);
      const body = await begun(response.bytes);
      if (call.left.aborted) await body[Symbol.asyncIterator]().return?.();
      return { ...response, body };
    });
  }

  async #call<Reply>(
    { request, left }: WholeCall,
    read: (response: UpstreamResponse) => Promise<Reply>,
  ): Promise<Reply> {
    const signal = AbortSignal.any([this.#stopping.signal, left]);
    const response = await this.#upstream.call({ ...request, signal });
    try {
      return await read(response);
    } finally {
      // What has come is read all the same: only so are its connection and its breaker let go.
      left.throwIfAborted();
    }
  }

  async #read(
    response: UpstreamResponse,
    { protocol, maxBytes = MAX_BYTES }: Pick<WholeCall, 'protocol' | 'maxBytes'>,
  ): Promise<WholeCallReply> {
    if (response.kind === 'failed') throw response.error;
    if (response.kind !== 'refused') {
      const { status, headers, bytes } = response;
      return { kind: 'answered', status, headers, body: await collect(bytes, maxBytes) };
    }
    const unauthorized = unauthorizedIn(response);
    if (unauthorized === null) {
      return readable(response, (code, message) => protocol.foreignErrorBody(response.status, code, message));
    }
    this.#failed(unauthorized);
    throw unauthorized;
  }
}

/** With its first bytes read. A generator that nobody has begun does nothing when it is given up. */
async function begun(bytes: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const rest = bytes[Symbol.asyncIterator]();
  let first: IteratorResult<Buffer> | null = await rest.next();
  const next = (): Promise<IteratorResult<Buffer>> => {
    const read = first;
    first = null;
    return read === null ? rest.next() : Promise.resolve(read);
  };
  const end = async (): Promise<IteratorResult<Buffer>> => {
    await rest.return?.();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}
