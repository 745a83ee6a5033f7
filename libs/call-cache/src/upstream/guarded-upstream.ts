/** A service behind its gate and its circuit breaker. What counts as its failure: no answer in time, one that breaks off, 5xx but 501. */
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
import type { Service } from '../services/service.js';
import { ServiceGate } from './service-gate.js';
import type { Bytes, UpstreamAnswer, UpstreamCall } from './upstream-client.js';

export interface Upstream {
  /** @throws CallError, and the reason of the signal */
  call(call: UpstreamCall): Promise<UpstreamAnswer>;
}

export class GuardedUpstream implements Upstream {
  readonly #upstream: Upstream;
  readonly #breakers: Pick<Breakers, 'of'>;
  readonly #breaking: Partial<BreakerSettings>;
  readonly #gates = new Map<string, ServiceGate>();

  /** @param breaking what makes a service be left alone that does not say so itself */
  constructor(upstream: Upstream, breakers: Pick<Breakers, 'of'>, breaking: Partial<BreakerSettings> = {}) {
    this.#upstream = upstream;
    this.#breakers = breakers;
    this.#breaking = breaking;
  }

  async call(call: UpstreamCall): Promise<UpstreamAnswer> {
    const leave = await this.#gate(call.service).enter(call.service, call.signal);
    let permit: Permit | null = null;
    const end = (outcome: CallOutcome, waitMs: number | null = null): void => {
      permit?.settle(outcome, waitMs);
      leave();
    };
    try {
      permit = await this.#permit(call.service);
      const answer = await this.#upstream.call(call);
      const outcome = outcomeOfStatus(answer.status);
      const waitMs = retryAfterMs(answer.fields.joined('retry-after') ?? undefined, Date.now());
      // A probe has shown enough; of any other call the end counts.
      if (permit.probe) permit.settle(outcome, waitMs);
      return { ...answer, bytes: new EndedBytes(answer.bytes, (failed) => end(failed ? 'failure' : outcome, waitMs)) };
    } catch (error) {
      end(call.signal.aborted || !(error instanceof CallError) || permit === null ? 'unknown' : 'failure');
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
