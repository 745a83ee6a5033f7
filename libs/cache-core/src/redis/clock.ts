/**
 * An estimate of Redis's own clock, in milliseconds since the epoch.
 *
 * Deadlines inside scripts are compared with Redis's `TIME`, so they must be stated in Redis's time, not in this
 * machine's. Each sample says: at some instant between sending and receiving, Redis's clock showed T. The sample with
 * the shortest round trip bounds the error best (by half that round trip); samples age out so that drift and a
 * stepped clock are followed. Local time is monotonic: a change of the wall clock here has no effect.
 */
const SAMPLES = 8;

interface Sample {
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

export class RedisClock {
  readonly #monotonic: () => number;
  #samples: Sample[] = [];
  #offsetMs: number | undefined;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Takes one reading: `sentAt` and `receivedAt` by the local monotonic clock, `redisMs` as Redis reported. */
  sample(sentAt: number, receivedAt: number, redisMs: number): void {
    this.#samples.push({ offsetMs: redisMs - (sentAt + receivedAt) / 2, roundTripMs: receivedAt - sentAt });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    let best = this.#samples[0] as Sample;
    for (const sample of this.#samples) if (sample.roundTripMs <= best.roundTripMs) best = sample;
    this.#offsetMs = best.offsetMs;
  }

  /** Forgets everything: the next server may have another clock. */
  reset(): void {
    this.#samples = [];
    this.#offsetMs = undefined;
  }

  /** Milliseconds since the epoch by Redis's clock; by this machine's clock until the first sample. */
  now(): number {
    return this.#offsetMs === undefined ? Date.now() : this.#monotonic() + this.#offsetMs;
  }

  /** The same for a moment that was read from the monotonic clock. */
  at(monotonic: number): number {
    return this.#offsetMs === undefined ? Date.now() : monotonic + this.#offsetMs;
  }

  monotonic(): number {
    return this.#monotonic();
  }
}

/** The reply of `TIME` (seconds, microseconds) in milliseconds. */
export function timeReplyToMs(reply: readonly (string | number)[]): number {
  return Number(reply[0]) * 1000 + Number(reply[1]) / 1000;
}
