import type { Upstream } from './guarded-upstream.js';
import type { UpstreamAnswer, UpstreamCall } from './upstream-client.js';

/** `other`: a status that HTTP does not know. `none`: there was no answer, or nobody who still waited for it. */
export type UpstreamResult = '2xx' | '3xx' | '4xx' | '5xx' | 'other' | 'none';

const CLASSES: readonly UpstreamResult[] = ['2xx', '3xx', '4xx', '5xx'];

/** Tells how long services take until the header of their answer. What a gate or a breaker holds back is no call of theirs. */
export class MeasuredUpstream implements Upstream {
  readonly #upstream: Upstream;
  readonly #called: (result: UpstreamResult, seconds: number) => void;

  constructor(upstream: Upstream, called: (result: UpstreamResult, seconds: number) => void) {
    this.#upstream = upstream;
    this.#called = called;
  }

  async call(call: UpstreamCall): Promise<UpstreamAnswer> {
    const began = performance.now();
    let result: UpstreamResult = 'none';
    try {
      const answer = await this.#upstream.call(call);
      result = CLASSES[Math.floor(answer.status / 100) - 2] ?? 'other';
      return answer;
    } finally {
      this.#called(result, (performance.now() - began) / 1000);
    }
  }
}
