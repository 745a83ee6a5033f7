/** The counters in Redis, as one script takes them: those of one slot. */
import { keyspace, loadScript, placedKey, RedisUnavailableError, type RedisLink } from '@promptsales/cache-core';
import calculateSlot from 'cluster-key-slot';
import { randomUUID } from 'node:crypto';
import type { Counter } from '../counter/counter.js';
import type { Counted } from '../counter/window.js';
import type { Limit } from '../limit.js';

const TAKE = loadScript(new URL('./lua/take-limits.lua', import.meta.url));
const REFUND = loadScript(new URL('./lua/refund-limits.lua', import.meta.url));

/** A process that dies in between leaves taken what it took: its windows end by themselves. */
export const RECEIPT_KEPT_MS = 60_000;
/** By the last answer's time the keys are right, unless a window has ended since. */
const MOST_ROUNDS = 4;

export interface SharedSettings {
  readonly keyPrefix: string;
  /** Seconds by family id (see `resolveTtls`); a family not named has its own default. */
  readonly ttls: Readonly<Record<string, number | null>>;
}

export interface SharedTake {
  readonly allowed: boolean;
  /** Before it was taken, in the order of the limits. */
  readonly counted: readonly Counted[];
}

/** What can be given back: by whom it was taken, and where. */
export interface Receipt {
  readonly key: string;
  /** Of the windows that were running. */
  counters: readonly string[];
}

export class SharedCounters {
  readonly #link: RedisLink;
  readonly #settings: SharedSettings;

  constructor(link: RedisLink, settings: SharedSettings) {
    this.#link = link;
    this.#settings = settings;
  }

  get link(): Pick<RedisLink, 'untilScriptsExpire'> {
    return this.#link;
  }

  /** Whether limits may lie in several slots, so that what one of them has taken another one's denial gives back. */
  get mayGiveBack(): boolean {
    return this.#link.clustered;
  }

  /** Limits that one script can take together: on one server all of them. */
  bySlot(limits: readonly Limit[]): readonly (readonly Limit[])[] {
    if (!this.#link.clustered) return [limits];
    return [...Map.groupBy(limits, ({ counter }) => calculateSlot(this.#keyAt(counter, 0))).values()];
  }

  receiptFor([first]: readonly Limit[]): Receipt {
    const subject = first?.counter.subject ?? '';
    const ref = keyspace.ratelimitReceipt.at({ subject, take: randomUUID() });
    return { key: placedKey(this.#settings.keyPrefix, ref, this.#link.clustered), counters: [] };
  }

  /**
   * @param receipt is told where it was taken, also when it is unknown whether
   * @throws RedisUnavailableError
   */
  async take(limits: readonly Limit[], cost: number, receipt: Receipt | null): Promise<SharedTake> {
    let nowMs = this.#link.now(this.#keyAt((limits[0] as Limit).counter, 0));
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const windows = limits.map(({ counter }) => this.#windowAt(counter, nowMs));
      if (receipt !== null) receipt.counters = windows.map(({ keys }) => keys[0] as string);
      const args = limits.flatMap(({ counter, most }, at) => [
        windows[at]?.number ?? '',
        counter.windowMs,
        most ?? '',
        cost,
        this.#keptMs(counter),
      ]);
      const keys = [...windows.flatMap((window) => window.keys), ...(receipt === null ? [] : [receipt.key])];
      const reply = await this.#link.run(TAKE, keys, [receipt === null ? 0 : RECEIPT_KEPT_MS, ...args]);
      const [outcome, answeredMs, ...numbers] = reply as readonly number[];
      if (outcome !== -1) return { allowed: outcome === 1, counted: countedIn(limits, numbers) };
      nowMs = answeredMs as number;
    }
    throw new RedisUnavailableError('timeout', this.#link.name, {
      cause: 'windows ended faster than they were asked for',
    });
  }

  /**
   * Once, however often it is called.
   * @throws RedisUnavailableError; it may be called again
   */
  async giveBack({ key, counters }: Receipt): Promise<void> {
    await this.#link.run(REFUND, [key, ...counters], []);
  }

  #windowAt(counter: Counter, nowMs: number): { readonly number: number | ''; readonly keys: readonly string[] } {
    const { windowMs, sliding } = counter;
    if (!sliding) return { number: '', keys: [this.#keyAt(counter, 0)] };
    const number = Math.floor(nowMs / windowMs);
    return {
      number,
      keys: [this.#keyAt(counter, number * windowMs), this.#keyAt(counter, (number - 1) * windowMs)],
    };
  }

  #keyAt(counter: Counter, beginsMs: number): string {
    return placedKey(this.#settings.keyPrefix, counter.keyAt(beginsMs), this.#link.clustered);
  }

  /** A window of a family without a time of its own is looked at for as long as it lies within the last `windowMs`. */
  #keptMs({ family, windowMs, sliding }: Counter): number {
    const seconds = this.#settings.ttls[family.id] ?? family.ttlSeconds;
    if (!sliding) return windowMs;
    return seconds === null ? windowMs + 1000 : seconds * 1000;
  }
}

function countedIn(limits: readonly Limit[], numbers: readonly number[]): Counted[] {
  return limits.map(({ counter: { windowMs, sliding } }, at) => {
    const [count = 0, before = 0, leftMs = 0] = numbers.slice(3 * at, 3 * at + 3);
    return { windowMs, sliding, count, before, leftMs };
  });
}
