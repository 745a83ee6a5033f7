import { DEFAULT_TENANT } from '../keyspace/family.js';
import { keyspace } from '../keyspace/keyspace.js';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisLink } from '../redis/link.js';
import type { RedisRoles } from '../redis/roles.js';
import { Breaker } from './breaker.js';
import type { BreakerObserver } from './breaker-observer.js';
import { breakerSettings, type BreakerSettings } from './breaker-settings.js';
import { SharedBreaker, type BreakerStatus } from './shared-breaker.js';

export interface BreakersSettings {
  readonly keyPrefix: string;
  /** Seconds by family id (see `resolveTtls`); a family not named has its own default. */
  readonly ttls: Readonly<Record<string, number | null>>;
  /** For breakers that are given none of their own. */
  readonly breaker: Partial<BreakerSettings>;
}

/** A breaker as shown to people. */
export interface BreakerReport {
  readonly service: string;
  readonly tenant: string;
  readonly status: BreakerStatus;
  /** `fleet`: as Redis knows it. `process`: Redis cannot be asked; the other processes may see it differently. */
  readonly asSeenBy: 'fleet' | 'process';
  readonly failures: number | null;
  readonly lastFailure: string | null;
  readonly nextCheck: string | null;
}

interface Entry {
  readonly breaker: Breaker;
  readonly shared: SharedBreaker;
  readonly tenant: string;
  silence: (() => void) | null;
}

/** The breakers of this process, one for each service. Services have configured names: there are few of them. */
export class Breakers {
  readonly #roles: RedisRoles;
  readonly #link: RedisLink;
  readonly #settings: BreakersSettings;
  readonly #observer: BreakerObserver;
  readonly #entries = new Map<string, Entry>();
  readonly #onState = (state: string): void => {
    if (state === 'up') for (const entry of this.#entries.values()) this.#listen(entry);
  };

  constructor(roles: RedisRoles, settings: Partial<BreakersSettings> = {}, observer: BreakerObserver = {}) {
    this.#roles = roles;
    this.#link = roles.link('state');
    this.#settings = Object.freeze({ keyPrefix: '', ttls: {}, breaker: {}, ...settings });
    this.#observer = observer;
    this.#link.on('state', this.#onState);
  }

  /** The breaker of a service, made at the first call. `settings` count then. */
  of(service: string, settings: Partial<BreakerSettings> = {}, tenant: string = DEFAULT_TENANT): Breaker {
    const ref = keyspace.circuitBreaker.at({ service }, tenant);
    const known = this.#entries.get(ref.key);
    if (known !== undefined) return known.breaker;
    const { keyPrefix, ttls, breaker: common } = this.#settings;
    const ttlMs = (ttls[ref.family.id] ?? ref.family.ttlSeconds ?? 0) * 1000;
    const shared = new SharedBreaker(this.#link, ref, keyPrefix, ttlMs);
    const breaker = new Breaker(service, shared, breakerSettings({ ...common, ...settings }), this.#observer);
    const entry: Entry = { breaker, shared, tenant, silence: null };
    this.#entries.set(ref.key, entry);
    if (this.#link.up) this.#listen(entry);
    return breaker;
  }

  /** Services that are not called as usual at present, as this process knows. */
  notClosed(): readonly { readonly service: string; readonly status: BreakerStatus }[] {
    return [...this.#entries.values()].map(({ breaker }) => breaker.view).filter(({ status }) => status !== 'closed');
  }

  /** The breakers of these tenants, by service. */
  async report(tenants: readonly string[]): Promise<readonly BreakerReport[]> {
    const entries = [...this.#entries.values()].filter(({ tenant }) => tenants.includes(tenant));
    const reports = await Promise.all(entries.map((entry) => this.#reportOf(entry)));
    return reports.toSorted((left, right) => (left.service < right.service ? -1 : 1));
  }

  /** Null where this process has no breaker of that name. */
  async reportOf(service: string, tenant: string): Promise<BreakerReport | null> {
    const entry = this.#entries.get(keyspace.circuitBreaker.at({ service }, tenant).key);
    return entry === undefined ? null : this.#reportOf(entry);
  }

  close(): void {
    this.#link.off('state', this.#onState);
    for (const { breaker, silence } of this.#entries.values()) {
      breaker.close();
      silence?.();
    }
    this.#entries.clear();
  }

  async #reportOf({ breaker, tenant }: Entry): Promise<BreakerReport> {
    const { service } = breaker;
    try {
      const { failures, lastFailure, nextCheck } = await breaker.look();
      const { status, alone } = breaker.view;
      // What this process found out while Redis was away is newer than what Redis knows.
      if (!alone) return { service, tenant, status, asSeenBy: 'fleet', failures, lastFailure, nextCheck };
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
    }
    const { status } = breaker.view;
    return { service, tenant, status, asSeenBy: 'process', failures: null, lastFailure: null, nextCheck: null };
  }

  /** Rings are heard from now on, and what was missed before is looked for. */
  #listen(entry: Entry): void {
    const { breaker, shared } = entry;
    breaker.rung();
    if (entry.silence !== null) return;
    entry.silence = () => {};
    this.#roles
      .subscriptions('state')
      .on(shared.channel, () => breaker.rung())
      .then(
        (silence) => {
          if (this.#entries.has(shared.key)) entry.silence = silence;
          else silence();
        },
        () => {
          // Tried again when the link is up the next time; until then the breaker looks at its own pace.
          entry.silence = null;
          this.#observer.alone?.(breaker.service);
        },
      );
  }
}
