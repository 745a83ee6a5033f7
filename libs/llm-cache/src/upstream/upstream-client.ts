/**
 * One HTTP call to a provider, with every way in which it can go wrong named.
 *
 * The answer is unpacked if it came compressed; its first bytes say whether it is a stream of events or JSON where the
 * content type does not. Redirects are never followed: they would carry the credential to another host.
 */
import type { Permit } from '@promptsales/cache-core';
import { Pool } from 'undici';
import { LlmError } from '../protocol/llm-error.js';
import type { CredentialHeader } from '../protocol/protocol.js';
import { CallWatch, type CallClocks } from './call-watch.js';
import { type AnswerHead, IncomingAnswer } from './incoming-answer.js';
import { unpacked, upTo } from './upstream-body.js';
import { safeResponseHeaders, upstreamRequestHeaders } from './upstream-headers.js';

export interface UpstreamTarget {
  /** Name of the provider whose prices and policies apply. */
  readonly provider: string;
  /** As the provider's SDK takes it, for OpenAI ending in `/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly simulated: boolean;
}

export interface UpstreamSettings extends CallClocks {
  readonly connectTimeoutMs: number;
  /** Sockets per origin; further calls wait, and their clock runs. */
  readonly connections: number;
  /** A provider's error page longer than this is cut off. */
  readonly maxErrorBytes: number;
}

export const DEFAULT_UPSTREAM: UpstreamSettings = Object.freeze({
  timeoutMs: 600_000,
  idleTimeoutMs: 120_000,
  connectTimeoutMs: 10_000,
  connections: 256,
  maxErrorBytes: 1024 * 1024,
});

export interface UpstreamRequest {
  readonly target: UpstreamTarget;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** @default 'authorization' */
  readonly credentialHeader?: CredentialHeader;
  readonly signal: AbortSignal;
  /** What `enter` gave for this call, where it was asked. */
  readonly permit?: Permit | null;
}

interface Place {
  readonly pool: Pool;
  /** Of the base URL, without a slash at its end. */
  readonly path: string;
}

interface Answered {
  readonly status: number;
  /** Safe to pass on. */
  readonly headers: Readonly<Record<string, string>>;
}

/** `bytes` throws `LlmError` when the answer breaks off, falls silent or takes too long. */
export type UpstreamResponse =
  | (Answered & { readonly kind: 'stream'; readonly bytes: AsyncIterable<Buffer> })
  | (Answered & { readonly kind: 'json'; readonly bytes: AsyncIterable<Buffer> })
  | (Answered & { readonly kind: 'refused'; readonly body: Buffer })
  | { readonly kind: 'failed'; readonly error: LlmError };

/** Whom the gateway asks. */
export interface Upstream {
  /** Never throws. */
  call(request: UpstreamRequest): Promise<UpstreamResponse>;
  /**
   * Says before anything is entered into the ledger whether a call may be made.
   * @throws LlmError when it may not
   */
  enter?(target: UpstreamTarget): Promise<Permit>;
}

export class UpstreamClient implements Upstream {
  readonly #settings: UpstreamSettings;
  readonly #pools = new Map<string, Pool>();
  /** By base URL. */
  readonly #places = new Map<string, Place>();
  #closed = false;

  constructor(settings: Partial<UpstreamSettings> = {}) {
    this.#settings = Object.freeze({ ...DEFAULT_UPSTREAM, ...settings });
  }

  /** Never throws. When `signal` aborts, the socket is closed and `bytes` (or this call) fails with the signal's reason. */
  async call(request: UpstreamRequest): Promise<UpstreamResponse> {
    if (this.#closed) return { kind: 'failed', error: stopping() };
    const incoming = new IncomingAnswer();
    const watch = new CallWatch(request.signal, this.#settings, (reason) => incoming.abort(reason));
    try {
      const { pool, path } = this.#place(request.target.baseUrl);
      const headers = upstreamRequestHeaders(request);
      pool.dispatch({ method: request.method, path: path + request.path, headers, body: request.body }, incoming);
      const head = await incoming.head;
      watch.answering();
      return await this.#answer(head, incoming, watch);
    } catch (thrown) {
      watch.end();
      void incoming.return();
      return { kind: 'failed', error: watch.explain(thrown) };
    }
  }

  /** Ends the calls that are still under way, and closes the sockets. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#closed = true;
    this.#pools.clear();
    this.#places.clear();
    await Promise.all(pools.map((pool) => pool.destroy(stopping())));
  }

  #place(baseUrl: string): Place {
    let place = this.#places.get(baseUrl);
    if (place === undefined) {
      const { origin, pathname } = new URL(baseUrl);
      this.#places.set(baseUrl, (place = { pool: this.#pool(origin), path: pathname.replace(/\/+$/, '') }));
    }
    return place;
  }

  #pool(origin: string): Pool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      const { connections, connectTimeoutMs } = this.#settings;
      // The clocks are ours (CallWatch): undici's would also run while a slow reader holds us up.
      pool = new Pool(origin, {
        connections,
        pipelining: 1,
        allowH2: false,
        connect: { timeout: connectTimeoutMs },
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      this.#pools.set(origin, pool);
    }
    return pool;
  }

  async #answer(
    { status, headers }: AnswerHead,
    incoming: IncomingAnswer,
    watch: CallWatch,
  ): Promise<UpstreamResponse> {
    if (status >= 300 && status < 400) {
      throw new LlmError(
        'upstream_invalid_response',
        `The provider answered with a redirect (${status}), which is not followed.`,
      );
    }
    const answered = { status, headers: safeResponseHeaders(headers) };
    const bytes = watch.guard(unpacked(incoming, headers['content-encoding']?.toString()));
    if (status < 200 || status >= 400)
      return { kind: 'refused', ...answered, body: await upTo(bytes, this.#settings.maxErrorBytes) };
    const type = (headers['content-type']?.toString() ?? '').toLowerCase();
    if (type.startsWith('text/event-stream')) return { kind: 'stream', ...answered, bytes };
    if (type.includes('json')) return { kind: 'json', ...answered, bytes };
    return { ...answered, ...(await recognised(bytes)) };
  }
}

function stopping(): LlmError {
  return new LlmError('shutting_down', 'This server is stopping. Ask again.', { retryAfterSeconds: 1 });
}

/** White space is what some send to keep a connection alive; nobody sends so much of it. */
const MOST_BEFORE_RECOGNISED = 64 * 1024;

/** For providers that do not say what they send, or say `text/plain`. */
async function recognised(
  bytes: AsyncGenerator<Buffer, void, undefined>,
): Promise<{ readonly kind: 'stream' | 'json'; readonly bytes: AsyncIterable<Buffer> }> {
  const came: Buffer[] = [];
  let size = 0;
  let head = '';
  for (let next = await bytes.next(); next.done !== true && size < MOST_BEFORE_RECOGNISED; next = await bytes.next()) {
    came.push(next.value);
    size += next.value.length;
    head = (head + next.value.toString('latin1')).replace(BEFORE_THE_FIRST, '');
    const kind = kindOf(head);
    if (kind === 'other') break;
    if (kind !== 'unknown') return { kind, bytes: after(Buffer.concat(came, size), bytes) };
  }
  await bytes.return(undefined);
  throw new LlmError(
    'upstream_invalid_response',
    'The provider answered with something that is neither JSON nor a stream of events.',
  );
}

const BOM = '\xef\xbb\xbf';
const BEFORE_THE_FIRST = new RegExp(`^(?:${BOM})?\\s*`);
const FIELDS = ['data:', 'event:', 'id:', 'retry:', ':'] as const;

/** `unknown` until enough has come: the network may cut anywhere. */
function kindOf(head: string): 'stream' | 'json' | 'unknown' | 'other' {
  if (head.startsWith('{')) return 'json';
  if (FIELDS.some((field) => head.startsWith(field))) return 'stream';
  return [BOM, ...FIELDS].some((beginning) => beginning.startsWith(head)) ? 'unknown' : 'other';
}

async function* after(
  first: Buffer,
  rest: AsyncGenerator<Buffer, void, undefined>,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield first;
    yield* rest;
  } finally {
    // Who stops at the first bytes has stopped the rest as well.
    await rest.return(undefined);
  }
}
