/**
 * Limits over all processes: how often something may be done in a while.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. All or nothing: a request takes its cost from each of its limits, or from none. Those of one slot are taken by one
 *    script; on a cluster the slots are asked side by side, and what one denies the others give back, once.
 * 2. In each window a counter admits at most its limit; over any stretch of a window's length at most twice that. What is
 *    denied is not counted.
 * 3. Time is Redis's. Each counter ends by itself: no write leaves one without a time to live.
 * 4. A denial is remembered in the process until its retry time: a flood of requests costs Redis nothing. On a cluster, where
 *    somebody may hold for a moment what he then gives back, it is asked for again every second.
 * 5. Trouble with Redis is nobody's excess: it never reads as a denial. `open` limits are then counted by the process
 *    alone under its share of them, by how many processes there were, `closed` ones refuse by an error of their own.
 * 6. Everything that is remembered has a bound; what falls out of it makes for a call of Redis, or a count anew.
 */
import { RedisUnavailableError, type RedisRoles } from '@promptsales/cache-core';
import { Denials } from './denials.js';
import { denied, stateOf, type Limit, type LimitState, type Verdict } from './limit.js';
import { LimitsUnavailableError } from './limits-error.js';
import type { LimitsObserver } from './limits-observer.js';
import { LocalCounters } from './local/local-counters.js';
import { Presence } from './redis/presence.js';
import { Refunds } from './redis/refunds.js';
import { SharedCounters, type Receipt, type SharedSettings } from './redis/shared-counters.js';

export interface LimiterSettings extends SharedSettings {
  /** How often a process says that it is there, so that each knows its share while Redis is away. @default 5000 */
  readonly presenceMs: number;
  /** Milliseconds that never jump. */
  readonly monotonic: () => number;
}

const PRESENCE_MS = 5000;
const DENIED_WHILE_HELD_MS = 1000;

/** What came of the limits of one slot. */
interface Part {
  readonly allowed: boolean;
  readonly states: readonly LimitState[];
  readonly giveBack: () => void;
}

export class Limiter {
  readonly #shared: SharedCounters;
  readonly #presence: Presence;
  readonly #local: LocalCounters;
  readonly #denials: Denials;
  readonly #refunds: Refunds;
  readonly #observer: LimitsObserver;

  constructor(roles: Pick<RedisRoles, 'link'>, settings: Partial<LimiterSettings> = {}, observer: LimitsObserver = {}) {
    const { keyPrefix = '', ttls = {}, presenceMs = PRESENCE_MS, monotonic = () => performance.now() } = settings;
    const link = roles.link('ratelimit');
    this.#shared = new SharedCounters(link, { keyPrefix, ttls });
    this.#presence = new Presence(link, keyPrefix, presenceMs);
    this.#local = new LocalCounters(() => this.#presence.processes, monotonic);
    this.#denials = new Denials(monotonic);
    this.#refunds = new Refunds(this.#shared, observer);
    this.#observer = observer;
  }

  /**
   * @param cost a whole number; 0 takes nothing and tells whether anything could be
   * @throws LimitsUnavailableError while Redis is away and one of the limits is `closed`
   */
  async take(limits: readonly Limit[], cost = 1): Promise<Verdict> {
    if (!Number.isSafeInteger(cost) || cost < 0)
      throw new RangeError(`a cost is a whole number from 0 on; got ${cost}`);
    if (limits.length === 0) return { allowed: true, states: [] };
    this.#presence.begin();
    const known = limits.flatMap((limit) => this.#denials.find(limit, cost) ?? []);
    if (known.length > 0) return this.#denied(known);
    const slots = this.#shared.bySlot(limits);
    const asked = await Promise.allSettled(slots.map((slot) => this.#taken(slot, cost, slots.length > 1)));
    const parts = asked.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
    const failed = asked.find((part) => part.status === 'rejected');
    const states = parts.flatMap((part) => part.states);
    if (failed === undefined && parts.every(({ allowed }) => allowed)) return { allowed: true, states };
    for (const part of parts) if (part.allowed) part.giveBack();
    if (failed !== undefined) throw failed.reason;
    return this.#denied(states);
  }

  /** Resolves when nothing is on its way back. */
  settled(): Promise<void> {
    return this.#refunds.settled();
  }

  /** Gives up giving back, and shares no more. */
  close(): void {
    this.#presence.close();
    this.#refunds.close();
  }

  async #taken(limits: readonly Limit[], cost: number, partly: boolean): Promise<Part> {
    const receipt = partly && cost > 0 ? this.#shared.receiptFor(limits) : null;
    try {
      const rememberMs = this.#shared.mayGiveBack ? DENIED_WHILE_HELD_MS : Number.POSITIVE_INFINITY;
      const { allowed, counted } = await this.#shared.take(limits, cost, receipt);
      const states = limits.flatMap((limit, at) => {
        const state = stateOf(limit, counted[at] as (typeof counted)[number], cost, allowed);
        if (state !== null && state.retryAfterMs > 0) this.#denials.remember(limit, cost, state, rememberMs);
        return state ?? [];
      });
      return { allowed, states, giveBack: () => this.#giveBack(receipt, false) };
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      if (error.trouble === 'timeout' || error.trouble === 'lost') this.#giveBack(receipt, true);
      return this.#alone(limits, cost, error);
    }
  }

  #alone(limits: readonly Limit[], cost: number, cause: RedisUnavailableError): Part {
    const closed = limits.find(({ onOutage }) => onOutage === 'closed');
    for (const { name } of limits) this.#observer.alone?.(name, closed === undefined ? 'decided' : 'refused');
    if (closed !== undefined) throw new LimitsUnavailableError(closed.name, { cause });
    return { ...this.#local.take(limits, cost), giveBack: () => this.#local.giveBack(limits, cost) };
  }

  #giveBack(receipt: Receipt | null, unknown: boolean): void {
    if (receipt !== null) this.#refunds.giveBack(receipt, unknown);
  }

  #denied(states: readonly LimitState[]): Verdict {
    for (const { name, retryAfterMs } of states) if (retryAfterMs > 0) this.#observer.exceeded?.(name);
    return denied(states);
  }
}
