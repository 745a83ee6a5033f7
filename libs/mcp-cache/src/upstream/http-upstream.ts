/**
 * A server that speaks streamable HTTP itself. Redirects are never followed: they would carry the credential elsewhere. Nor is
 * a name that looks public, to an address that is not: only what the configuration itself calls inside is reached inside.
 */
import { isPrivateHost, PrivateAddressError, publicLookup } from '@promptsales/http-edge';
import { lookup as systemLookup } from 'node:dns';
import type { Readable } from 'node:stream';
import { errors, Pool } from 'undici';
import { UpstreamError, type Upstream, type UpstreamRequest, type UpstreamResponse } from './upstream.js';

export interface HttpUpstreamOptions {
  readonly url: string;
  /** The operator's, such as the credential. They take the place of the client's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Until the headers of an answer. */
  readonly timeoutMs: number;
  /** A name that looks public may lead to addresses that are nobody's outside. @default false */
  readonly privateAddresses?: boolean;
  /** @default that of the system */
  readonly lookup?: typeof systemLookup;
}

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS = 1024;
/** What a server says is looked into. Who is not told which packings are taken may take any (RFC 9110 §12.5.3). */
const PLAIN = { 'accept-encoding': 'identity' };

export class HttpUpstream implements Upstream {
  readonly #options: HttpUpstreamOptions;
  readonly #pool: Pool;
  readonly #path: string;

  constructor(options: HttpUpstreamOptions) {
    const url = new URL(options.url);
    this.#options = options;
    this.#path = url.pathname + url.search;
    const { privateAddresses = false, lookup = systemLookup } = options;
    const anywhere = privateAddresses || isPrivateHost(url.hostname);
    this.#pool = new Pool(url.origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: anywhere ? lookup : publicLookup(lookup) },
      headersTimeout: options.timeoutMs,
      // A stream of notifications may be silent for hours.
      bodyTimeout: 0,
    });
  }

  async send({ method, headers, body, signal }: UpstreamRequest): Promise<UpstreamResponse> {
    const answered = await this.#pool
      .request({ method, path: this.#path, headers: { ...PLAIN, ...headers, ...this.#options.headers }, body, signal })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        if (error instanceof PrivateAddressError) {
          const message = 'The address of the MCP server is not public, which its configuration does not allow.';
          throw new UpstreamError('upstream_private', message, { cause: error });
        }
        if (error instanceof errors.HeadersTimeoutError) {
          throw new UpstreamError('upstream_timeout', 'The MCP server has not answered in time.', { cause: error });
        }
        throw new UpstreamError('upstream_unreachable', 'The MCP server cannot be reached.', { cause: error });
      });
    // A body that is let go before anyone reads it must not bring the process down; readers meet the error themselves.
    answered.body.on('error', metByTheReader);
    if (answered.statusCode >= 300 && answered.statusCode < 400) {
      answered.body.destroy();
      throw new UpstreamError('upstream_redirects', 'The MCP server answered with a redirect, which is not followed.');
    }
    return { status: answered.statusCode, headers: plain(answered.headers), body: bytesOf(answered.body, signal) };
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

async function* bytesOf(body: Readable, signal: AbortSignal): AsyncIterable<Buffer> {
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (error) {
    // It is we who wanted no more.
    if (signal.aborted) return;
    throw new UpstreamError('upstream_broke_off', 'The MCP server broke its answer off.', { cause: error });
  }
}

function plain(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

function metByTheReader(): void {}
