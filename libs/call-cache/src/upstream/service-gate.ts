/** How many calls at a time one process makes of one service. What is served from the cache is none. */
import { CallError } from '../call-error.js';
import type { Service } from '../services/service.js';

/** Who waits longer for his turn is told to come again. */
const LONGEST_WAIT_MS = 10_000;
const MOST_WAITING = 1000;

export class ServiceGate {
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #open = 0;
  /** As it was configured when somebody came last. */
  #concurrency = 1;

  /**
   * @param left aborted when nobody wants the call any more: its place in the queue is free at once
   * @returns to be called once when the call has ended
   * @throws CallError `service_unavailable`; the reason of `left`
   */
  async enter({ name, concurrency }: Service, left: AbortSignal): Promise<() => void> {
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
}
