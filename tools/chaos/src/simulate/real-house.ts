/**
 * The house of a plan on a real Redis and on real time: a proxy delays, holds back and cuts, signals freeze and kill the
 * server, and what it is to forget is what came after its last snapshot.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { CacheObserver, CacheSettings } from '@promptsales/cache-core';
import {
  CLAIMS,
  evicted,
  type Break,
  type Evictable,
  type House,
  type Plan,
  type Witness,
} from '@promptsales/simulator';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { FaultProxy } from '../cache/fault-proxy.js';
import { RealProcess, throughProxy } from './real-process.js';

/** Beyond this a lease that stands is one that nobody ended. */
const LEASES_END_WITHIN_MS = 2500;
const LOOK_EVERY_MS = 10;
/** So many times as long as in the simulation may something take on a machine with much else to do. */
const PATIENCE = 10;

type Undo = () => void;

export class RealHouse implements House {
  readonly accuracyMs = 50;
  readonly #redis: TestRedis;
  readonly #proxy: FaultProxy;
  readonly #outside: Redis;
  readonly #listener: Redis;
  readonly #witness: Witness;
  readonly #began = performance.now();
  readonly #troubles = new Map<string, Undo>();
  readonly #standing = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #up = true;
  #frozen = false;
  /** What came later is not in the last snapshot. */
  #savedAt = 0;
  /** What is being done to the server, one thing after the other. */
  #work: Promise<unknown> = Promise.resolve();
  #failed: unknown = null;

  private constructor(redis: TestRedis, proxy: FaultProxy, witness: Witness) {
    this.#redis = redis;
    this.#proxy = proxy;
    this.#witness = witness;
    [this.#outside, this.#listener] = [connection(redis), connection(redis)];
  }

  /** Ready for the plan: `build` belongs to `runIn`, which wants it at once. */
  static async prepare({ steps }: Plan): Promise<(plan: Plan, witness: Witness) => RealHouse> {
    const redis = await startRedis({ args: ['--notify-keyspace-events', 'KA', '--rdbcompression', 'no'] });
    const proxy = await FaultProxy.start();
    return (_plan, witness) => {
      const house = new RealHouse(redis, proxy, witness);
      house.#listen();
      for (const step of steps) {
        if (step.kind !== 'restart server') continue;
        // `runIn` begins with the steps after 100 ms.
        house.in(Math.max(0, 100 + step.at - step.forgetMs), () => house.#save());
      }
      return house;
    };
  }

  get now(): number {
    return performance.now() - this.#began;
  }

  in(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  async runUntil(at: number): Promise<void> {
    await pause(Math.max(0, at - this.now));
  }

  async until(isSo: () => boolean, withinMs: number): Promise<void> {
    const end = this.now + PATIENCE * withinMs;
    while (!isSo() && this.now < end) await pause(LOOK_EVERY_MS);
  }

  start(name: string, observer: CacheObserver, settings: Partial<CacheSettings>): RealProcess {
    return new RealProcess(name, throughProxy(this.#proxy.port, name, this.#redis.port), observer, settings);
  }

  break({ name }: RealProcess, which: number, how: Break): void {
    this.#proxy.break({ process: name }, which, how);
  }

  slow({ name }: RealProcess, ms: number): void {
    this.#trouble(
      `slow ${name}`,
      ms > 0 && (() => this.#proxy.apply({ process: name, trouble: { kind: 'delay', ms } })),
    );
  }

  cutOff({ name }: RealProcess): void {
    this.#trouble(`cut off ${name}`, () =>
      this.#proxy.apply({ process: name, trouble: { kind: 'hold', direction: 'both' } }),
    );
  }

  /** What was held back arrives now: the simulated network loses it. */
  reunite({ name }: RealProcess): void {
    this.#trouble(`cut off ${name}`, false);
  }

  get up(): boolean {
    return this.#up;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  freezeServer(): void {
    this.#frozen = true;
    this.#redis.freeze();
  }

  thawServer(): void {
    this.#frozen = false;
    this.#redis.thaw();
  }

  stopServer(forgetMs: number): number {
    this.#up = false;
    this.#frozen = false;
    if (forgetMs === 0) this.#save();
    this.#do(() => this.#redis.kill());
    return this.#savedAt;
  }

  startServer(): void {
    this.#do(async () => {
      await this.#redis.restart();
      this.#standing.clear();
      for (const lease of await this.#keysBelow('lease:')) this.#standing.add(lease);
      this.#up = true;
    });
  }

  setOutOfMemory(isSo: boolean): void {
    this.#ask(() => this.#outside.config('SET', 'maxmemory', isSo ? '1' : '0'));
  }

  /** A removal that no caller asked for, as an eviction is. */
  evict(key: string, what: Evictable, which: number): void {
    this.#ask(async () => {
      const versions = what === 'version' ? await this.#keysBelow('version:') : [];
      const chosen = evicted(key, what, versions, which);
      if (chosen !== undefined) await this.#outside.del(chosen);
    });
  }

  writeFromOutside(key: string, value: string, ttlMs: number): void {
    this.#ask(() => this.#outside.set(key, value, 'PX', ttlMs));
  }

  async leases(): Promise<readonly string[]> {
    const end = this.now + LEASES_END_WITHIN_MS;
    let left: readonly string[];
    for (;;) {
      // What counts is when the look began: this process may be held up.
      const over = this.now > end;
      left = await this.#keysBelow('lease:');
      if (left.length === 0 || over) break;
      await pause(LOOK_EVERY_MS);
    }
    for (const key of await this.#outside.keys('*')) {
      if ((await this.#outside.pttl(key)) === -1) this.#witness.saw(CLAIMS.allExpire, `${key} has no end`);
    }
    return left;
  }

  async end(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#work;
    this.#outside.disconnect();
    this.#listener.disconnect();
    await this.#proxy.stop();
    await this.#redis.kill();
    if (this.#failed !== null) throw new Error('the house itself failed', { cause: this.#failed });
  }

  /** What ends a lease or takes it over is told by Redis; that its own holder ended it is not told apart. */
  #listen(): void {
    this.#listener.on('pmessage', (_pattern, channel: string, event: string) => {
      const lease = channel.slice(channel.indexOf(':') + 1);
      const stood = this.#standing.has(lease);
      if (event === 'set') this.#standing.add(lease);
      else if (['del', 'expired', 'evicted'].includes(event)) this.#standing.delete(lease);
      else return;
      this.#witness.tell('redis', `${lease}: ${event}`);
      if (stood) this.#witness.leaseEnded(lease);
    });
    this.#ask(() => this.#listener.psubscribe('__keyspace@0__:lease:*'));
  }

  #save(): void {
    if (this.#frozen) return;
    const at = this.now;
    this.#ask(async () => {
      await this.#outside.save();
      this.#savedAt = at;
    });
  }

  async #keysBelow(root: string): Promise<string[]> {
    return this.#outside.keys(`${root}*`);
  }

  #trouble(name: string, begin: (() => Undo) | false): void {
    this.#troubles.get(name)?.();
    this.#troubles.delete(name);
    if (begin !== false) this.#troubles.set(name, begin());
  }

  /** Of the server, by somebody who may not get an answer: it can be frozen or gone. */
  #ask(what: () => Promise<unknown>): void {
    what().catch((error: unknown) => this.#witness.tell('house', String(error)));
  }

  #do(what: () => Promise<unknown>): void {
    this.#work = this.#work.then(what).catch((error: unknown) => (this.#failed = error));
  }
}

function connection({ port }: TestRedis): Redis {
  const redis = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => {});
  return redis;
}
