import type { CacheObserver, CacheSettings } from '@promptsales/cache-core';
import { SIMULATED_TIMES, SimulatedProcess } from '../cache/simulated-process.js';
import { Network, type Break } from '../network/network.js';
import { CLAIMS } from '../proof/claims.js';
import type { Bytes, Cause, Held } from '../redis/dataset.js';
import { Failure } from '../redis/reply.js';
import { SimulatedRedis } from '../redis/server.js';
import { VirtualTime } from '../time/virtual-time.js';
import { evicted, type House, type Witness } from './house.js';
import { isStormy, type Evictable, type Plan } from './plan.js';

/** Everything is simulated but the cache: see `docs/proof.md`. Looks at each change of a key and each script. */
export class SimulatedHouse implements House {
  readonly accuracyMs = 0;
  readonly #time: VirtualTime;
  readonly #server: SimulatedRedis;
  readonly #network: Network;
  readonly #witness: Witness;
  readonly #stormy: boolean;

  constructor(plan: Plan, witness: Witness) {
    this.#witness = witness;
    this.#stormy = isStormy(plan);
    this.#time = new VirtualTime(plan.seed);
    this.#server = new SimulatedRedis(this.#time, {
      key: (key, cause, before, after) => {
        if (after !== undefined && after.expiresAt === null) witness.saw(CLAIMS.allExpire, `${key} has no end`);
        if (key.startsWith('lease:') && before !== undefined) this.#leaseChanged(key, cause, before);
        witness.tell('redis', `${key} is ${cause}`);
      },
      script: (name, keys, args, reply, ageMs) => {
        // A put ends whatever load is in flight.
        if (name === 'ps_store' && args[1]?.length === 0) witness.leaseEnded(keys[2] as Bytes);
        if (!(reply instanceof Failure)) this.#checkGone(name, keys, args);
        this.#scriptRan(name, keys, reply, ageMs);
      },
    });
    this.#network = new Network(this.#time, this.#server, { fastestMs: 0.1, slowestMs: 4 });
  }

  get now(): number {
    return this.#time.now;
  }

  in(ms: number, work: () => void): void {
    this.#time.in(ms, work);
  }

  runUntil(at: number): Promise<void> {
    return this.#time.runUntil(at);
  }

  until(_isSo: () => boolean, withinMs: number): Promise<void> {
    return this.#time.runUntil(this.#time.now + withinMs);
  }

  start(name: string, observer: CacheObserver, settings: Partial<CacheSettings>): SimulatedProcess {
    return new SimulatedProcess(name, this.#time, this.#network, observer, settings);
  }

  break({ machine }: SimulatedProcess, connection: number, how: Break): void {
    this.#network.break(machine, connection, how);
  }

  slow({ machine }: SimulatedProcess, ms: number): void {
    this.#network.slow(machine, ms);
  }

  cutOff({ machine }: SimulatedProcess): void {
    this.#network.cutOff(machine);
  }

  reunite({ machine }: SimulatedProcess): void {
    this.#network.reunite(machine);
  }

  get up(): boolean {
    return this.#server.up;
  }

  get frozen(): boolean {
    return this.#server.frozen;
  }

  freezeServer(): void {
    this.#server.freeze();
  }

  thawServer(): void {
    this.#server.thaw();
  }

  stopServer(forgetMs: number): number {
    this.#server.stop(forgetMs);
    return this.now - forgetMs;
  }

  startServer(skewMs: number): void {
    this.#server.skewMs += skewMs;
    this.#server.start();
  }

  setOutOfMemory(isSo: boolean): void {
    this.#server.outOfMemory = isSo;
  }

  evict(key: string, what: Evictable, which: number): void {
    const chosen = evicted(key, what, this.#keysBelow('version:'), which);
    if (chosen !== undefined) this.#server.evict(chosen);
  }

  writeFromOutside(key: string, value: string, ttlMs: number): void {
    this.#server.callFromOutside('SET', key, value, 'PX', String(ttlMs));
  }

  async leases(): Promise<readonly string[]> {
    return this.#keysBelow('lease:');
  }

  async end(): Promise<void> {}

  #keysBelow(root: string): Bytes[] {
    return this.#server.data.keys().filter((key) => key.startsWith(root));
  }

  /** Of the ways in which a lease comes to its end, those that let somebody else load although its holder still does. */
  #leaseChanged(key: Bytes, cause: Cause, before: Held): void {
    const { running } = this.#server;
    // In fair weather a holder renews it for as long as he loads.
    if (cause === 'expired' && !this.#stormy) return;
    if (running?.name === 'ps_acquire' && cause === 'written') {
      // Else it was a holder's that is known to be gone.
      if (String(running.args[3]) === 'steal' || this.#isOutdated(before)) this.#witness.leaseEnded(key);
      return;
    }
    const byItsHolder = ['ps_release', 'ps_store', 'ps_renew'].includes(running?.name ?? '');
    if (!byItsHolder || cause === 'expired' || cause === 'evicted') this.#witness.leaseEnded(key);
  }

  /** The lease names a version that is no longer any subject's. */
  #isOutdated({ value }: Held): boolean {
    if (value.type !== 'string') return true;
    const text = value.bytes.toString();
    const pairs = text.includes(' ') ? (JSON.parse(text.slice(text.indexOf(' '))) as string[]) : [];
    const versions = new Set(this.#keysBelow('version:').map((key) => bytesIn(this.#server.data.get(key))));
    return pairs.some((version, at) => at % 2 === 1 && !versions.has(version));
  }

  #checkGone(script: string, keys: readonly Bytes[], args: readonly Buffer[]): void {
    const each = { ps_invalidate: keys.length, ps_invalidate_entries: Number(String(args[1])) }[script];
    if (each === undefined) return;
    const left = keys.filter((key, at) => at % each === 0 && this.#server.data.get(key) !== undefined);
    for (const key of left) this.#witness.saw(CLAIMS.gone, `${key} is still there`);
  }

  #scriptRan(name: string, keys: readonly Bytes[], reply: unknown, ageMs: number): void {
    const expired = reply instanceof Failure;
    this.#witness.tell('redis', `runs ${name} on ${keys[0] ?? ''}${expired ? `: ${reply.message}` : ''}`);
    if (!expired && ageMs > SIMULATED_TIMES.commandTimeoutMs * 1.5 + 50) {
      this.#witness.saw(CLAIMS.noLateEffect, `${name} takes effect ${ageMs.toFixed(0)} ms after it was sent`);
    }
  }
}

function bytesIn(held: Held | undefined): string {
  return held?.value.type === 'string' ? held.value.bytes.toString() : '';
}
