/**
 * A circuit breaker in front of each upstream origin. What counts as the provider's failure is said here: no connection, no
 * answer in time, an answer that breaks off, 5xx except 501. A caller's own mistake (4xx) never opens it.
 */
import {
  BreakerOpenError,
  outcomeOfStatus,
  retryAfterMs,
  type Breaker,
  type Breakers,
  type CallOutcome,
  type Permit,
} from '@promptsales/cache-core';
import { LlmError } from '../protocol/llm-error.js';
import type { Upstream, UpstreamRequest, UpstreamResponse, UpstreamTarget } from './upstream-client.js';

/** Under which name the breaker of an upstream is known: `openai@api.openai.com`. */
export function upstreamService({ provider, baseUrl }: Pick<UpstreamTarget, 'provider' | 'baseUrl'>): string {
  const { protocol, hostname, port } = new URL(baseUrl);
  const shownPort = port === '' && protocol === 'http:' ? '80' : port;
  return `${provider}@${hostname}${shownPort === '' ? '' : `:${shownPort}`}`;
}

export class GuardedUpstream implements Upstream {
  readonly #upstream: Upstream;
  readonly #breakers: Breakers;
  /** By provider and base URL: there are as many as are configured. */
  readonly #known = new Map<string, Map<string, Breaker>>();

  constructor(upstream: Upstream, breakers: Breakers) {
    this.#upstream = upstream;
    this.#breakers = breakers;
  }

  /** @throws LlmError when the provider is not asked at the moment */
  async enter(target: UpstreamTarget): Promise<Permit> {
    try {
      return await this.#breakerOf(target).enter();
    } catch (error) {
      if (!(error instanceof BreakerOpenError)) throw error;
      const { retryAfterSeconds } = error;
      throw new LlmError(
        'upstream_circuit_open',
        `The provider has failed too often and is not asked at the moment. Try again in ${retryAfterSeconds} s.`,
        { retryAfterSeconds, cause: error },
      );
    }
  }

  /** Enters by itself where the caller has not done so. Never throws. */
  async call(request: UpstreamRequest): Promise<UpstreamResponse> {
    let permit: Permit;
    try {
      permit = request.permit ?? (await this.enter(request.target));
    } catch (error) {
      if (!(error instanceof LlmError)) throw error;
      return { kind: 'failed', error };
    }
    const response = await this.#upstream.call(request);
    const { signal } = request;
    if (response.kind === 'stream' || response.kind === 'json') {
      return { ...response, bytes: watched(response.bytes, permit, signal) };
    }
    if (response.kind === 'refused') {
      permit.settle(outcomeOfStatus(response.status), retryAfterMs(response.headers['retry-after'], Date.now()));
    } else {
      permit.settle(signal.aborted || response.error.code === 'shutting_down' ? 'unknown' : 'failure');
    }
    return response;
  }

  #breakerOf({ provider, baseUrl }: UpstreamTarget): Breaker {
    const known = this.#known.get(provider)?.get(baseUrl);
    if (known !== undefined) return known;
    const breaker = this.#breakers.of(upstreamService({ provider, baseUrl }));
    const its = this.#known.get(provider) ?? new Map<string, Breaker>();
    this.#known.set(provider, its.set(baseUrl, breaker));
    return breaker;
  }
}

/** A probe has shown enough with its first bytes; any other call says at its end whether it went well. */
async function* watched(bytes: AsyncIterable<Buffer>, permit: Permit, signal: AbortSignal): AsyncGenerator<Buffer> {
  let outcome: CallOutcome = 'unknown';
  try {
    for await (const chunk of bytes) {
      outcome = 'success';
      if (permit.probe) permit.settle(outcome);
      yield chunk;
    }
  } catch (error) {
    // When it was we who hung up, it had gone well so far.
    if (!signal.aborted) outcome = 'failure';
    throw error;
  } finally {
    permit.settle(outcome);
  }
}
