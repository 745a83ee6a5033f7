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
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  /** When the allowance is used up no more: the theoretical arrival time of GCRA. */
  #dueMs = 0;

  constructor(clock: GateClock = SYSTEM) {
    this.#clock = clock;
  }

  /**
   * @returns to be called once when the call has ended
   * @throws CallError `too_many_requests`, `service_unavailable`
   */
  async enter({ name, concurrency, rateLimit }: Service): Promise<() => void> {
    // Who leaves hands his place to the first who waits.
    if (this.#open >= concurrency) await this.#turn(name);
    else this.#open += 1;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#open -= 1;
      else next();
    };
    try {
      if (rateLimit !== null) this.#count(name, rateLimit.calls, rateLimit.windowSeconds);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  async #turn(name: string): Promise<void> {
    const busy = (): CallError =>
      new CallError('service_unavailable', `Too many calls of ${name} are under way. Try again in 1 s.`, {
        retryAfterSeconds: 1,
      });
    if (this.#waiting.length >= MOST_WAITING) throw busy();
    await new Promise<void>((resolve, reject) => {
      const proceed = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1);
        reject(busy());
      }, LONGEST_WAIT_MS);
      this.#waiting.push(proceed);
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
