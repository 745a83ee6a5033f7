/** How many calls at a time, and how many in a while, one process makes of one service. What is served from the cache is none. */
import { CallError } from '../call-error.js';
import type { Service } from '../services/service.js';

export interface GateClock {
  /** Milliseconds that never jump. */
  now(): number;
}

/** Who waits longer for his turn is told to come again. */
const LONGEST_WAIT_MS = 10_000;
const MOST_WAITING = 1000;
const SYSTEM: GateClock = { now: () => performance.now() };

export class ServiceGate {
  readonly #clock: GateClock;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #open = 0;
  /** As it was configured when somebody came last. */
  #concurrency = 1;
  /** When the allowance is used up no more: the theoretical arrival time of GCRA. */
  #dueMs = 0;

  constructor(clock: GateClock = SYSTEM) {
    this.#clock = clock;
  }

  /**
   * @param left aborted when nobody wants the call any more: its place in the queue is free at once
   * @returns to be called once when the call has ended
   * @throws CallError `too_many_requests`, `service_unavailable`; the reason of `left`
   */
  async enter({ name, concurrency, rateLimit }: Service, left: AbortSignal): Promise<() => void> {
    left.throwIfAborted();
    this.#concurrency = concurrency;
    // Under a wider limit, they were here first.
    this.#admit();
    if (this.#open >= concurrency) await this.#turn(name, left);
    else this.#open += 1;
    let ended = false;
    const leave = (): void => {
      if (ended) return;
      ended = true;
      this.#open -= 1;
      this.#admit();
    };
    try {
      // Between his turn and now, he may have gone.
      left.throwIfAborted();
      if (rateLimit !== null) this.#count(name, rateLimit.calls, rateLimit.windowSeconds);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  /** Those who wait, as far as there is room: under a narrower limit, for none until so many have left. */
  #admit(): void {
    for (const proceed of this.#waiting) {
      if (this.#open >= this.#concurrency) return;
      this.#open += 1;
      proceed();
    }
  }

  #turn(name: string, left: AbortSignal): Promise<void> {
    const busy = (): CallError =>
      new CallError('service_unavailable', `Too many calls of ${name} are under way. Try again in 1 s.`, {
        retryAfterSeconds: 1,
      });
    if (this.#waiting.size >= MOST_WAITING) return Promise.reject(busy());
    return new Promise<void>((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        left.removeEventListener('abort', gone);
        this.#waiting.delete(proceed);
      };
      const proceed = (): void => {
        done();
        resolve();
      };
      const gone = (): void => {
        done();
        reject(left.reason as Error);
      };
      const timer = setTimeout(() => {
        done();
        reject(busy());
      }, LONGEST_WAIT_MS);
      left.addEventListener('abort', gone);
      this.#waiting.add(proceed);
    });
  }

  /** GCRA: `calls` at once, and then as many in each window, evenly. */
  #count(name: string, calls: number, windowSeconds: number): void {
    const now = this.#clock.now();
    const windowMs = windowSeconds * 1000;
    const dueMs = Math.max(this.#dueMs, now) + windowMs / calls;
    if (dueMs - now > windowMs + 1e-6) {
      const waitSeconds = Math.max(1, Math.ceil((dueMs - now - windowMs) / 1000));
      throw new CallError('too_many_requests', `${name} has been called too often. Try again in ${waitSeconds} s.`, {
        retryAfterSeconds: waitSeconds,
      });
    }
    this.#dueMs = dueMs;
  }
}
