/**
 * The circuit breaker in front of one service: whoever would call asks `enter` first and tells the permit what came of it.
 *
 *   closed ──too many failures──▶ open ──time is over──▶ half-open ──the probe succeeds──▶ closed
 *                                   ▲─────the probe fails: twice as long──────┘
 *
 * Invariants, each with a test that fails when it is removed
 * 1. Closed, a call costs no Redis command, and a success never does. Failures are counted in this process.
 * 2. A state begins under a new epoch. A result counts only in the state in which its call began: late results of an earlier
 *    one are ignored, here (`#generation`) and in Redis (epoch, probe token).
 * 3. Open, nobody calls until the time is over, which Redis's clock decides. Then one caller of the whole fleet gets the lease
 *    for a probe; everybody else is refused. A prober that dies costs its lease.
 * 4. All processes learn of a transition by a ring (pub/sub). A ring that is lost is made up for: a breaker that is not
 *    closed looks every `paceMs`, a closed one at its first failure, and again at most every `paceMs`. A process whose calls
 *    succeed needs no news.
 * 5. Without Redis everything goes on within the process. What it found out so stands until a probe of its own.
 */
import { randomBytes } from 'node:crypto';
import { RedisUnavailableError } from '../redis/errors.js';
import { BreakerOpenError } from './breaker-errors.js';
import type { BreakerObserver } from './breaker-observer.js';
import type { BreakerSettings } from './breaker-settings.js';
import type { CallOutcome } from './call-outcome.js';
import { FailureWindow } from './failure-window.js';
import type { BreakerStatus, SharedBreaker, SharedState } from './shared-breaker.js';

export interface BreakerClock {
  /** Milliseconds that never jump. */
  now(): number;
  /** 0 to 1. */
  random(): number;
}

const SYSTEM: BreakerClock = { now: () => performance.now(), random: Math.random };

/** The right to make one call. To be settled once; more often changes nothing. */
export interface Permit {
  /** The only call that the whole fleet makes at present: settle it as soon as the service shows that it works. */
  readonly probe: boolean;
  /** `retryAfterMs`: the service asked not to be called for so long. */
  settle(outcome: CallOutcome, retryAfterMs?: number | null): void;
}

export interface BreakerView {
  readonly service: string;
  readonly status: BreakerStatus;
  /** Until the next probe may be made; 0 when closed. */
  readonly waitMs: number;
  /** Found out without Redis: the other processes may see it differently. */
  readonly alone: boolean;
}

/** See the invariants at the top of this file. */
export class Breaker {
  readonly service: string;
  readonly #shared: SharedBreaker;
  readonly #settings: BreakerSettings;
  readonly #observer: BreakerObserver;
  readonly #clock: BreakerClock;
  readonly #window: FailureWindow;
  #status: BreakerStatus = 'closed';
  /** Open: when it may be probed. Half-open: when the lease of the probe ends. */
  #untilMs = 0;
  /** Openings in a row without a closing. */
  #opens = 0;
  /** Of Redis, as last heard. */
  #epoch = 0;
  /** Of this process: counts the states that it has been in. */
  #generation = 0;
  /** The state was found out without Redis. */
  #alone = false;
  #seekingProbe = false;
  #telling: Promise<void> = Promise.resolve();
  #looking: Promise<void> | null = null;
  #lookAgain = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #pace: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    service: string,
    shared: SharedBreaker,
    settings: BreakerSettings,
    observer: BreakerObserver = {},
    clock: BreakerClock = SYSTEM,
  ) {
    this.service = service;
    this.#shared = shared;
    this.#settings = settings;
    this.#observer = observer;
    this.#clock = clock;
    this.#window = new FailureWindow(settings);
  }

  get view(): BreakerView {
    return { service: this.service, status: this.#status, waitMs: this.#waitMs, alone: this.#alone };
  }

  /** @throws BreakerOpenError */
  async enter(): Promise<Permit> {
    if (this.#status === 'closed') return this.#permit(null);
    if (this.#waitMs > 0 || this.#seekingProbe) throw this.#refusal();
    this.#seekingProbe = true;
    try {
      return await this.#seekProbe();
    } finally {
      this.#seekingProbe = false;
    }
  }

  /**
   * Calls the service through the breaker. An error is a failure unless `outcomeOf` says otherwise.
   * @throws BreakerOpenError, and what `call` throws
   */
  async run<T>(call: () => Promise<T>, outcomeOf: (error: unknown) => CallOutcome = () => 'failure'): Promise<T> {
    const permit = await this.enter();
    try {
      const result = await call();
      permit.settle('success');
      return result;
    } catch (error) {
      permit.settle(outcomeOf(error));
      throw error;
    }
  }

  /** What Redis knows; for whoever wants to see it. Adopts it. @throws RedisUnavailableError */
  async look(): Promise<SharedState> {
    this.#lookedMs = this.#clock.now();
    const state = await this.#shared.look();
    this.#hear(state);
    return state;
  }

  /** Something may have happened: looks now, or once more after the look that is under way. */
  rung(): void {
    if (this.#closed) return;
    if (this.#looking !== null) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = this.#quietly(() => this.look()).finally(() => {
      this.#looking = null;
      if (!this.#lookAgain) return;
      this.#lookAgain = false;
      this.rung();
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pace);
  }

  get #waitMs(): number {
    return this.#status === 'closed' ? 0 : Math.max(0, this.#untilMs - this.#clock.now());
  }

  #permit(token: string | null): Permit {
    const generation = this.#generation;
    let settled = false;
    return {
      probe: token !== null,
      settle: (outcome, retryAfterMs = null) => {
        if (settled) return;
        settled = true;
        if (generation !== this.#generation) return;
        if (token === null) this.#count(outcome, retryAfterMs);
        else this.#concludeProbe(token, outcome, retryAfterMs);
      },
    };
  }

  #count(outcome: CallOutcome, retryAfterMs: number | null): void {
    const now = this.#clock.now();
    if (outcome === 'success') this.#window.succeeded(now);
    if (outcome !== 'failure') return;
    this.#window.failed(now);
    if (this.#window.tripped(now)) this.#trip(retryAfterMs);
    else if (now - this.#lookedMs >= this.#settings.paceMs) this.rung();
  }

  #trip(retryAfterMs: number | null): void {
    const failures = this.#window.failures(this.#clock.now());
    const openMs = this.#openMs(1, retryAfterMs);
    this.#begin('open', openMs, 1);
    this.#alone = true;
    const generation = this.#generation;
    this.#tell(async () => {
      // What the others found out since is newer than the failures.
      if (generation !== this.#generation) return null;
      return this.#shared.trip(this.#epoch, failures, openMs);
    });
  }

  async #seekProbe(): Promise<Permit> {
    const token = randomBytes(12).toString('base64url');
    const { probeLeaseMs } = this.#settings;
    let state: SharedState | null = null;
    try {
      state = await this.#shared.probe(token, probeLeaseMs);
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.#observer.alone?.(this.service);
    }
    const foundOutAlone = this.#alone && state?.status === 'closed' && state.epoch <= this.#epoch;
    if (state !== null && !foundOutAlone) this.#adopt(state);
    if (state?.done === true) return this.#permit(token);
    if (this.#status === 'closed') return this.#permit(null);
    if (state !== null && !foundOutAlone) throw this.#refusal();
    this.#begin('half-open', probeLeaseMs, this.#opens);
    this.#alone = true;
    return this.#permit(token);
  }

  #concludeProbe(token: string, outcome: CallOutcome, retryAfterMs: number | null): void {
    const asksToWait = outcome === 'neutral' && retryAfterMs !== null && retryAfterMs > 0;
    if (outcome === 'success' || (outcome === 'neutral' && !asksToWait)) {
      this.#begin('closed', 0, 0);
      this.#tellVerdict(token, 'closed', 0);
    } else if (outcome === 'failure') {
      const openMs = this.#openMs(this.#opens + 1, retryAfterMs);
      this.#begin('open', openMs, this.#opens + 1);
      this.#tellVerdict(token, 'open', openMs);
    } else {
      // It was not decided. The next caller probes, after the time that the service asked for.
      const openMs = asksToWait ? Math.min(Math.ceil(retryAfterMs), this.#settings.mostOpenMs) : 0;
      this.#begin('open', openMs, this.#opens);
      this.#tellVerdict(token, 'undecided', openMs);
    }
  }

  #tellVerdict(token: string, verdict: 'closed' | 'open' | 'undecided', openMs: number): void {
    const probedAlone = this.#alone;
    const opens = this.#opens;
    this.#alone = true;
    this.#tell(async () => {
      const state = await this.#shared.settle(token, verdict, openMs);
      // Of a probe that was made without Redis the others know nothing yet.
      if (state.done || !probedAlone || verdict !== 'open') return state;
      return this.#shared.trip(this.#epoch, opens, openMs);
    });
  }

  /** Tells Redis of the state that has just begun, after those that began before it. */
  #tell(transition: () => Promise<SharedState | null>): void {
    const generation = this.#generation;
    this.#telling = this.#telling.then(() =>
      this.#quietly(async () => {
        const state = await transition();
        if (state === null) return;
        if (generation === this.#generation) this.#adopt(state, true);
        // Another state has begun here meanwhile: it follows this one, and is told next.
        else if (this.#alone) this.#epoch = state.epoch;
      }),
    );
  }

  /** News that nobody asked for; older ones than what is known are none. */
  #hear(state: SharedState): void {
    if (this.#alone ? state.epoch <= this.#epoch : state.epoch !== 0 && state.epoch < this.#epoch) return;
    this.#adopt(state);
  }

  /**
   * What Redis answers to a transition of ours is the newest there is. `ours`: the state is in force here already, and only
   * gets its number and Redis's time.
   */
  #adopt({ status, epoch, waitMs, opens }: SharedState, ours = false): void {
    this.#alone = false;
    const known = epoch === this.#epoch || ours;
    this.#epoch = epoch;
    if (!known || status !== this.#status) this.#begin(status, waitMs, opens);
    else this.#untilMs = this.#clock.now() + waitMs;
  }

  #begin(status: BreakerStatus, waitMs: number, opens: number): void {
    const changed = status !== this.#status;
    this.#status = status;
    this.#untilMs = this.#clock.now() + waitMs;
    this.#opens = opens;
    this.#generation += 1;
    this.#window.reset();
    clearTimeout(this.#pace);
    if (status !== 'closed' && !this.#closed) this.#keepLooking();
    if (changed) this.#observer.changed?.(this.service, status);
  }

  #keepLooking(): void {
    const { paceMs } = this.#settings;
    this.#pace = setTimeout(
      () => {
        this.rung();
        this.#keepLooking();
      },
      paceMs * (0.75 + this.#clock.random() / 2),
    );
    this.#pace.unref();
  }

  #openMs(opens: number, retryAfterMs: number | null): number {
    const { firstOpenMs, mostOpenMs } = this.#settings;
    const backoff = firstOpenMs * 2 ** Math.min(opens - 1, 30) * (0.75 + this.#clock.random() / 2);
    return Math.ceil(Math.min(Math.max(backoff, retryAfterMs ?? 0), mostOpenMs));
  }

  #refusal(): BreakerOpenError {
    this.#observer.refused?.(this.service);
    // A probe under way ends long before its lease, as a rule.
    const waitMs = this.#status === 'open' ? this.#waitMs : Math.min(this.#waitMs, this.#settings.paceMs);
    return new BreakerOpenError(this.service, waitMs);
  }

  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.#observer.alone?.(this.service);
    }
  }
}
