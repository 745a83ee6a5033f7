/** A service behind its gate, its circuit breaker and its limit. What counts as its failure: no answer in time, one that breaks off, 5xx but 501. */
import {
  BreakerOpenError,
  outcomeOfStatus,
  retryAfterMs,
  type Breakers,
  type BreakerSettings,
  type CallOutcome,
  type Permit,
} from '@promptsales/cache-core';
import { CallError } from '../call-error.js';
import { RATE_LIMITED } from '../proxy/cache-status.js';
import type { Service } from '../services/service.js';
import { ServiceGate } from './service-gate.js';
import type { ServiceLimits } from './service-limits.js';
import type { Bytes, UpstreamAnswer, UpstreamCall } from './upstream-client.js';

export interface Upstream {
  /** @throws CallError, and the reason of the signal */
  call(call: UpstreamCall): Promise<UpstreamAnswer>;
}

export class GuardedUpstream implements Upstream {
  readonly #upstream: Upstream;
  readonly #breakers: Pick<Breakers, 'of'>;
  readonly #limits: ServiceLimits;
  readonly #breaking: Partial<BreakerSettings>;
  readonly #gates = new Map<string, ServiceGate>();

  /** @param breaking what makes a service be left alone that does not say so itself */
  constructor(
    upstream: Upstream,
    breakers: Pick<Breakers, 'of'>,
    limits: ServiceLimits,
    breaking: Partial<BreakerSettings> = {},
  ) {
    this.#upstream = upstream;
    this.#breakers = breakers;
    this.#limits = limits;
    this.#breaking = breaking;
  }

  async call(call: UpstreamCall): Promise<UpstreamAnswer> {
    const leave = await this.#gate(call.service).enter(call.service, call.unwanted ?? call.signal);
    let permit: Permit | null = null;
    let asked = false;
    const end = (outcome: CallOutcome, waitMs: number | null = null): void => {
      permit?.settle(outcome, waitMs);
      leave();
    };
    try {
      permit = await this.#permit(call.service);
      // Last of all: what is not sent is not counted.
      await this.#count(call);
      asked = true;
      const answer = await this.#upstream.call(call);
      const outcome = outcomeOfStatus(answer.status);
      const waitMs = retryAfterMs(answer.fields.joined('retry-after') ?? undefined, Date.now());
      // A probe has shown enough; of any other call the end counts.
      if (permit.probe) permit.settle(outcome, waitMs);
      // What breaks off because its caller has left says nothing of the service.
      const ofEnd = (failed: boolean): CallOutcome =>
        failed ? (call.signal.aborted ? 'unknown' : 'failure') : outcome;
      return { ...answer, bytes: new EndedBytes(answer.bytes, (failed) => end(ofEnd(failed), waitMs)) };
    } catch (error) {
      const failed = asked && !call.signal.aborted && error instanceof CallError && error.code !== 'request_timeout';
      end(failed ? 'failure' : 'unknown');
      throw error;
    }
  }

  async #permit(service: Service): Promise<Permit> {
    try {
      return await this.#breakers.of(service.name, { ...this.#breaking, ...service.breaker }).enter();
    } catch (error) {
      if (!(error instanceof BreakerOpenError)) throw error;
      const { retryAfterSeconds } = error;
      throw new CallError(
        'service_unavailable',
        `The service ${service.name} has failed too often and is not asked at the moment. Try again in ${retryAfterSeconds} s.`,
        { retryAfterSeconds, cause: error },
      );
    }
  }

  async #count({ service: { name, rateLimit }, signal }: UpstreamCall): Promise<void> {
    if (rateLimit === null) return;
    const refused = await this.#limits.take(name, rateLimit);
    if (refused !== null) {
      const { retryAfterSeconds, headers } = refused;
      throw new CallError(
        'too_many_requests',
        `The service ${name} has been called as often as its rate_limit allows. Try again in ${retryAfterSeconds} s.`,
        { retryAfterSeconds, headers: { ...headers, 'cache-status': RATE_LIMITED } },
      );
    }
    // He may have gone while it was counted.
    signal.throwIfAborted();
  }

  #gate({ name }: Service): ServiceGate {
    let gate = this.#gates.get(name);
    if (gate === undefined) this.#gates.set(name, (gate = new ServiceGate()));
    return gate;
  }
}

/** Tells once when there is nothing more to read, or nobody who does. */
class EndedBytes implements Bytes {
  readonly #bytes: Bytes;
  #ended: ((failed: boolean) => void) | null;

  constructor(bytes: Bytes, ended: (failed: boolean) => void) {
    this.#bytes = bytes;
    this.#ended = ended;
  }

  async next(): Promise<IteratorResult<Buffer, void>> {
    try {
      const next = await this.#bytes.next();
      if (next.done === true) this.#end(false);
      return next;
    } catch (error) {
      this.#end(true);
      throw error;
    }
  }

  return(): Promise<IteratorResult<Buffer, void>> {
    this.#end(false);
    return this.#bytes.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(failed: boolean): void {
    this.#ended?.(failed);
    this.#ended = null;
  }
}
