/** Runs a plan: real protocol code on simulated machines, against a simulated Redis and an origin that counts. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  absent,
  encodeValue,
  FamilyGlob,
  keyspace,
  unchanged,
  valueReading,
  type Absent,
  type Cache,
  type CacheObserver,
  type EntryLabels,
  type Invalidation,
  type KeyRef,
  type LoadContext,
  type LoadOptions,
  type Loaded,
  type LoadMany,
  type Stale,
  type Unchanged,
} from '@promptsales/cache-core';
import { SIMULATED_L1, SIMULATED_TIMES, SimulatedProcess } from '../cache/simulated-process.js';
import { Network } from '../network/network.js';
import { CLAIMS, CallerLeft, OriginError, check } from '../proof/claims.js';
import {
  History,
  type Life,
  type LoadRecord,
  type ReadRecord,
  type Violation,
  type WriteRecord,
} from '../proof/history.js';
import type { Bytes, Cause, Held } from '../redis/dataset.js';
import { Failure } from '../redis/reply.js';
import { SimulatedRedis } from '../redis/server.js';
import { useVirtualGlobals } from '../time/globals.js';
import { VirtualTime } from '../time/virtual-time.js';
import { isStormy, type Evictable, type LoadPlan, type Plan, type Reach, type ReadPlan, type Step } from './plan.js';
import type { Story } from './story.js';

export interface Outcome {
  readonly violations: readonly Violation[];
  readonly counts: Readonly<Record<string, number>>;
}

/** How long the house gets to recover before it is asked whether all is well. */
const RECOVERY_MS = 6000;
const LAST_READ: ReadPlan = {
  load: { ms: 5, fails: false, hangs: false, reads: 'early' },
  anew: false,
  leavesAfterMs: null,
};
const FOREIGN = -1;
/** What a call is doing, for the cache's observer to note what befell it. */
const calls = new AsyncLocalStorage<Call>();

interface Call {
  readonly many: boolean;
  bypassed: boolean;
  fromMemory: boolean;
}

export async function simulate(plan: Plan, story?: Story): Promise<Outcome> {
  const release = useVirtualGlobals();
  try {
    return await new Simulation(plan, story).run();
  } finally {
    release();
  }
}

type EntryFamily = typeof keyspace.githubRepos;
type EntryRef = KeyRef<EntryFamily>;

function refOf(entry: number): EntryRef {
  return keyspace.githubRepos.at({ user: `e${entry}` });
}

function labelsOf(entry: number): EntryLabels {
  return { namespace: 'n', tags: [`t${entry}`, 'shared'] };
}

function invalidate({ cache }: SimulatedProcess, entry: number, by: Reach): Promise<Invalidation> {
  switch (by) {
    case 'key':
      return cache.invalidate({ ref: refOf(entry) });
    case 'own tag':
      return cache.invalidateTag(`t${entry}`);
    case 'shared tag':
      return cache.invalidateTag('shared');
    case 'namespace':
      return cache.invalidateNamespace('n');
    case 'pattern':
      return invalidatePattern(cache);
    default:
      return cache.invalidateFamily(keyspace.githubRepos);
  }
}

/** Of all entries: what covers one alone is no pattern. */
async function invalidatePattern(cache: Cache): Promise<Invalidation> {
  const run = { dryRun: false, signal: new AbortController().signal };
  const { deleted } = await cache.invalidateMatching(FamilyGlob.of(keyspace.githubRepos, {}), run);
  return { deleted, pending: false };
}

function bytesIn(held: Held | undefined): string {
  return held?.value.type === 'string' ? held.value.bytes.toString() : '';
}

interface Version {
  readonly version: number;
}

function isAbsent(version: number): boolean {
  return version % 5 === 4;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

/** A caller who waits no longer than that. */
function leaving(afterMs: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new CallerLeft('the caller has left')), afterMs);
  return controller.signal;
}

class Simulation {
  readonly #time: VirtualTime;
  readonly #server: SimulatedRedis;
  readonly #network: Network;
  readonly #history = new History();
  readonly #processes: (SimulatedProcess & { readonly life?: Life })[] = [];
  readonly #lives = new Map<SimulatedProcess, Life>();
  readonly #origin: number[];
  /** Writers who put values into the cache take turns, as they must. */
  readonly #turns: Promise<void>[];
  readonly #counts = new Map<string, number>();

  constructor(
    private readonly plan: Plan,
    private readonly story: Story | undefined,
  ) {
    const time = new VirtualTime(plan.seed);
    this.#time = time;
    this.#server = new SimulatedRedis(time, {
      key: (key, cause, before, after) => {
        if (after !== undefined && after.expiresAt === null) this.#saw(CLAIMS.allExpire, `${key} has no end`);
        if (key.startsWith('lease:') && before !== undefined) this.#leaseChanged(key, cause, before);
        if (cause !== 'written' || story !== undefined) this.#tell('redis', `${key} is ${cause}`);
      },
      script: (name, keys, args, reply, ageMs) => {
        // A put ends whatever load is in flight.
        if (name === 'ps_store' && args[1]?.length === 0) this.#leaseEnded(keys[2] as Bytes);
        if (!(reply instanceof Failure)) this.#checkGone(name, keys, args);
        this.#scriptRan(name, keys, reply, ageMs);
      },
    });
    this.#network = new Network(time, this.#server, { fastestMs: 0.1, slowestMs: 4 });
    this.#origin = Array.from({ length: plan.entries }, () => 0);
    this.#turns = Array.from({ length: plan.entries }, () => Promise.resolve());
    for (let at = 0; at < plan.processes; at += 1) this.#start(at);
  }

  async run(): Promise<Outcome> {
    // Everybody is connected before the first step.
    await this.#time.runUntil(100);
    for (const step of this.plan.steps) this.#time.at(100 + step.at, () => this.#take(step));
    await this.#time.runUntil(100 + this.plan.lengthMs);
    this.#heal();
    await this.#time.runUntil(this.#time.now + RECOVERY_MS);
    let recovered = false;
    void this.#checkRecovery().then(() => (recovered = true));
    await this.#time.runUntil(this.#time.now + SIMULATED_TIMES.leaseMs + 1000);
    if (!recovered) this.#saw(CLAIMS.recovers, 'the last reads have not ended');
    this.#checkRest();
    for (const process of this.#processes) process.die(this.#network);
    const longestLoadMs = Math.max(0, ...this.plan.steps.map((step) => ('load' in step ? step.load.ms : 0)));
    return {
      violations: check(this.#history, this.#time.now, longestLoadMs),
      counts: Object.fromEntries(this.#counts),
    };
  }

  #start(index: number): void {
    const life: Life = this.#lives.size;
    const name = `${'ABC'[index]}${life < this.plan.processes ? '' : life}`;
    const observer: CacheObserver = {
      hit: (_family, tier) => {
        const call = calls.getStore();
        // Of a call for many entries: whether one of them came from there.
        if (call !== undefined) call.fromMemory = tier === 'l1' || (call.many && call.fromMemory);
        this.#count(`hit in ${tier}`);
      },
      emptied: (why) => this.#tell(name, `empties its memory: ${why}`),
      bypass: (_family, why) => {
        const call = calls.getStore();
        if (call !== undefined) call.bypassed = true;
        this.#tell(name, `does without Redis: ${why}`);
      },
      unusable: (_family, why) => this.#tell(name, `cannot use what lies there: ${why}`),
      fill: (_family, result) => {
        this.#count(`fill ${result}`);
        this.#tell(name, `fill: ${result}`);
      },
    };
    const l1 = this.plan.l1 ? SIMULATED_L1 : null;
    const process = new SimulatedProcess(name, this.#time, this.#network, observer, {
      l1,
      journal: { capacity: this.plan.journalCapacity, keepAcknowledgedMs: 60_000, retryMs: 50 },
    });
    for (const link of process.roles.links()) {
      // Behind the cache's own, so what that replays is there.
      link.onRecovery(async () => void this.#history.replays.push({ life, at: this.#time.now }));
      link.on('state', (state, reason) => {
        this.#tell(name, `its link is ${state} (${reason})`);
      });
    }
    this.#lives.set(process, life);
    this.#processes[index] = process;
  }

  #take(step: Step): void {
    this.#count(step.kind);
    const { entry = 0 } = step as { entry?: number };
    const process = this.#processes['process' in step ? step.process : 0] as SimulatedProcess;
    const { machine } = process;
    const back = (ms: number, work: () => void): void => void this.#time.in(ms, work);
    if (machine.dead && 'process' in step) return;
    switch (step.kind) {
      case 'read':
        void machine.run(() => this.#read(process, entry, step));
        return;
      case 'read many':
        void machine.run(() => this.#readMany(process, step.load));
        return;
      case 'look':
        void machine.run(() => this.#look(process, entry));
        return;
      case 'write':
        void machine.run(() => this.#write(process, entry, step.by));
        return;
      case 'write through':
        void machine.run(() => this.#write(process, entry, 'put'));
        return;
      case 'break':
        this.#tell('fault', `connection ${step.connection} of ${machine.name} breaks, ${step.how}`);
        this.#network.break(machine, step.connection, step.how);
        return;
      case 'slow':
        this.#tell('fault', `the network of ${machine.name} is up to ${step.ms} ms slower for ${step.forMs} ms`);
        this.#network.slow(machine, step.ms);
        back(step.forMs, () => this.#network.slow(machine, 0));
        return;
      case 'cut off':
        this.#tell('fault', `${machine.name} is cut off for ${step.forMs} ms`);
        this.#network.cutOff(machine);
        back(step.forMs, () => this.#network.reunite(machine));
        return;
      case 'freeze process':
        this.#freeze(process, step.forMs);
        return;
      case 'kill process':
        this.#kill(process, step.process, step.forMs);
        return;
      case 'step clock':
        this.#tell('fault', `the date of ${machine.name} jumps by ${step.ms} ms`);
        machine.skewMs += step.ms;
        return;
      case 'freeze server':
        if (!this.#server.up) return;
        this.#tell('fault', `redis is frozen for ${step.forMs} ms`);
        this.#server.freeze();
        back(step.forMs, () => this.#thawServer());
        return;
      case 'restart server':
        this.#restart(step.forMs, step.forgetMs, step.skewMs);
        return;
      case 'out of memory':
        this.#tell('fault', `redis is out of memory for ${step.forMs} ms`);
        this.#server.outOfMemory = true;
        back(step.forMs, () => (this.#server.outOfMemory = false));
        return;
      case 'evict':
        this.#evict(entry, step.what);
        return;
      case 'foreign write':
        this.#tell('fault', `somebody else writes to ${this.#valueKey(entry)}`);
        this.#server.callFromOutside('SET', this.#valueKey(entry), String(FOREIGN), 'PX', '3000');
        return;
    }
  }

  async #read(process: SimulatedProcess, entry: number, { load, anew, leavesAfterMs }: ReadPlan): Promise<ReadRecord> {
    const read = this.#beginRead(process, entry);
    this.#tell(process.name, `read ${read.id} of entry ${entry} begins${anew ? ', past the cache' : ''}`);
    const call: Call = { many: false, bypassed: false, fromMemory: false };
    try {
      const loaded = await calls.run(call, () =>
        process.aside.getOrLoad(
          refOf(entry),
          (context) => {
            // It takes the lease from whoever has it.
            if (anew) this.#history.leaseEnds.push({ entry, at: this.#time.now });
            return this.#load(process, read, load, context, call);
          },
          { ...this.#options(leavesAfterMs), labels: labelsOf(entry), anew },
        ),
      );
      this.#endRead(read, loaded, call);
    } catch (error) {
      this.#failRead(read, error as Error);
    }
    return read;
  }

  async #readMany(process: SimulatedProcess, load: LoadPlan): Promise<void> {
    const reads = this.#origin.map((_version, entry) => this.#beginRead(process, entry));
    const call: Call = { many: true, bypassed: false, fromMemory: false };
    this.#tell(process.name, `reads ${reads.map(({ id }) => id).join(', ')} begin, of all entries together`);
    try {
      const refs = reads.map(({ entry }) => refOf(entry));
      const loadMany: LoadMany<EntryFamily, Version | Absent> = (wanted, { signal, stale }) =>
        Promise.all(
          wanted.map(async ({ key }, at) => {
            const read = reads[refs.findIndex((ref) => ref.key === key)] as ReadRecord;
            const answer = await this.#load(process, read, load, { signal, stale: stale[at] ?? null }, call);
            return answer === unchanged ? (stale[at] as Stale<Version>).value : answer;
          }),
        );
      // The labels are the same for all, so each is under the others' own tags too.
      const tags = ['shared', ...reads.map(({ entry }) => `t${entry}`)];
      const options = { ...this.#options(null), labels: { namespace: 'n', tags } };
      const loaded = await calls.run(call, () => process.aside.getMany(refs, loadMany, options));
      for (const [at, read] of reads.entries()) this.#endRead(read, loaded[at] as Loaded<unknown>, call);
    } catch (error) {
      for (const read of reads) this.#failRead(read, error as Error);
    }
  }

  #options(leavesAfterMs: number | null): LoadOptions {
    const signal = leavesAfterMs === null ? {} : { signal: leaving(leavesAfterMs) };
    return { ...this.plan.ageing, ttlSeconds: this.plan.ttlSeconds, ...signal };
  }

  #failRead(read: ReadRecord, error: Error): void {
    read.ended = this.#time.now;
    read.error = error;
    this.#tell(read.process, `read ${read.id} ends: ${String(error)}`);
  }

  #beginRead(process: SimulatedProcess, entry: number): ReadRecord {
    const read: ReadRecord = {
      id: this.#history.reads.length,
      process: process.name,
      life: this.#lives.get(process) as Life,
      entry,
      began: this.#time.now,
      beganOrder: this.#history.nextOrder(),
      ended: null,
      version: null,
      error: null,
      source: null,
      bypassed: false,
      fromMemory: false,
    };
    this.#history.reads.push(read);
    return read;
  }

  #endRead(
    read: ReadRecord,
    { value, source }: Pick<Loaded<unknown>, 'value' | 'source'>,
    { bypassed, fromMemory }: Call,
  ): void {
    read.bypassed = bypassed;
    read.fromMemory = fromMemory && (source === 'hit' || source === 'stale');
    read.ended = this.#time.now;
    read.source = source;
    read.version = value === absent ? this.#lastAbsent(read.entry) : (value as Version).version;
    this.#count(source);
    if (value === absent) this.#count('absent');
    if (read.version === undefined) this.#saw(CLAIMS.ownValues, `read ${read.id} got ${JSON.stringify(value)}`);
    this.#tell(
      read.process,
      `read ${read.id} ends with version ${read.version} (${read.fromMemory ? 'own memory' : source})`,
    );
  }

  /** An absence does not say of which version it is: the newest that it can be. */
  #lastAbsent(entry: number): number {
    let version = this.#origin[entry] as number;
    while (version >= 0 && !isAbsent(version)) version -= 1;
    return version;
  }

  async #load(
    process: SimulatedProcess,
    { life, entry, began: called }: ReadRecord,
    load: LoadPlan,
    { signal, stale }: Pick<LoadContext<unknown>, 'signal' | 'stale'>,
    call: Call,
  ): Promise<Version | Absent | Unchanged> {
    const underLease = !call.bypassed;
    const began = this.#time.now;
    const record: LoadRecord = { process: process.name, life, entry, called, began, ended: null, underLease };
    this.#history.loads.push(record);
    this.#count('load');
    const early = this.#origin[entry] as number;
    const how = `${load.hangs ? 'for ever' : `${load.ms} ms`}, origin at ${early}`;
    this.#tell(process.name, `loads entry ${entry}${underLease ? '' : ' without a lease'} (${how})`);
    const done = load.hangs ? [] : [new Promise((resolve) => setTimeout(resolve, load.ms))];
    await Promise.race([...done, aborted(signal)]);
    record.ended = this.#time.now;
    signal.throwIfAborted();
    if (load.fails) throw new OriginError('the origin fails');
    return this.#answer(load.reads === 'early' ? early : (this.#origin[entry] as number), stale);
  }

  #answer(version: number, stale: Stale<unknown> | null): Version | Absent | Unchanged {
    if (this.plan.ageing === null) return { version };
    const value = isAbsent(version) ? absent : { version };
    const before = stale?.value;
    const same = before === value || (before as Partial<Version> | undefined)?.version === version;
    if (same) this.#count('unchanged');
    return same ? unchanged : value;
  }

  /** A look says what lies there; a miss says nothing. */
  async #look(process: SimulatedProcess, entry: number): Promise<void> {
    const read = this.#beginRead(process, entry);
    this.#tell(process.name, `read ${read.id} of entry ${entry} begins, a look only`);
    const call: Call = { many: false, bypassed: false, fromMemory: false };
    const found = await calls.run(call, () => process.cache.lookup(valueReading(refOf(entry))));
    read.ended = this.#time.now;
    if (found.kind === 'hit') this.#endRead(read, { value: found.hit.value, source: 'hit' }, call);
  }

  async #write(process: SimulatedProcess, entry: number, how: Reach | 'put'): Promise<void> {
    if (!this.plan.turns) return this.#writeNow(process, entry, how);
    const turn = this.#turns[entry] as Promise<void>;
    const mine = turn.then(() => process.machine.run(() => this.#writeNow(process, entry, how)));
    // Whoever dies in his turn holds the others up until nothing that he sent can still arrive.
    this.#turns[entry] = Promise.race([mine, this.#deathOf(process)]);
    return mine;
  }

  async #writeNow(process: SimulatedProcess, entry: number, how: Reach | 'put'): Promise<void> {
    const version = (this.#origin[entry] = (this.#origin[entry] as number) + 1);
    const reached =
      how === 'put' || how === 'key' || how === 'own tag' ? [entry] : this.#origin.map((_version, one) => one);
    const id = this.#history.writes.length;
    const writes = reached.map((one) => this.#beginWrite(process, id, one, how === 'pattern'));
    this.#tell(process.name, `write ${id}: entry ${entry} becomes ${version} at the origin, then ${how}`);
    try {
      const { pending } = await (how === 'put' ? this.#put(process, entry, version) : invalidate(process, entry, how));
      for (const write of writes) write.completed = !pending;
      this.#count(pending ? 'invalidation pending' : 'invalidation applied');
    } catch (error) {
      for (const write of writes) write.error = error as Error;
      this.#saw(CLAIMS.neverFails, `write ${id} of ${process.name} failed: ${String(error)}`);
    }
    const order = this.#history.nextOrder();
    for (const write of writes) {
      write.returned = this.#time.now;
      write.returnedOrder = order;
    }
    this.#tell(process.name, `write ${id} is ${writes[0]?.completed ? 'confirmed' : 'pending'}`);
  }

  #beginWrite(process: SimulatedProcess, id: number, entry: number, patient: boolean): WriteRecord {
    const write: WriteRecord = {
      id,
      process: process.name,
      life: this.#lives.get(process) as Life,
      entry,
      version: this.#origin[entry] as number,
      began: this.#time.now,
      returned: null,
      returnedOrder: Infinity,
      completed: false,
      patient,
      error: null,
    };
    this.#history.writes.push(write);
    return write;
  }

  async #put(process: SimulatedProcess, entry: number, version: number): Promise<{ pending: boolean }> {
    const ref = refOf(entry);
    const filling = { stored: encodeValue(ref.family, { version }), ttlSeconds: this.plan.ttlSeconds };
    const result = await process.cache.put({ ref, labels: labelsOf(entry) }, filling);
    return result === 'stored' ? { pending: false } : process.cache.invalidate({ ref });
  }

  #freeze(process: SimulatedProcess, forMs: number): void {
    if (process.machine.frozen) return;
    this.#tell('fault', `${process.name} is frozen for ${forMs} ms`);
    process.machine.freeze();
    const freeze = { life: this.#lives.get(process) as Life, from: this.#time.now, until: Infinity };
    this.#history.freezes.push(freeze);
    this.#time.in(forMs, () => {
      if (!process.machine.frozen) return;
      freeze.until = this.#time.now;
      this.#tell('fault', `${process.name} goes on`);
      process.machine.thaw();
    });
  }

  #kill(process: SimulatedProcess, index: number, forMs: number): void {
    this.#tell('fault', `${process.name} is killed; its successor starts in ${forMs} ms`);
    this.#history.deaths.set(this.#lives.get(process) as Life, this.#time.now);
    process.die(this.#network);
    this.#time.in(forMs, () => this.#start(index));
  }

  #deathOf(process: SimulatedProcess): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (process.machine.dead) this.#time.in(2 * SIMULATED_TIMES.commandTimeoutMs, resolve);
        else this.#time.in(100, look);
      };
      look();
    });
  }

  #thawServer(): void {
    if (!this.#server.frozen) return;
    this.#tell('fault', 'redis goes on');
    this.#server.thaw();
  }

  #restart(forMs: number, forgetMs: number, skewMs: number): void {
    if (!this.#server.up) return;
    const restart = { keptUntil: this.#time.now - forgetMs, stopped: this.#time.now, started: Infinity };
    this.#tell('fault', `redis is stopped for ${forMs} ms and forgets the last ${forgetMs} ms`);
    this.#history.restarts.push(restart);
    this.#server.stop(forgetMs);
    this.#time.in(forMs, () => {
      restart.started = this.#time.now;
      this.#server.skewMs += skewMs;
      this.#server.start();
      this.#tell('fault', `redis is back${skewMs === 0 ? '' : `, its clock ${skewMs} ms off`}`);
    });
  }

  /** Every fault is over: those that are to end later end now. */
  #heal(): void {
    this.#tell('fault', 'all trouble is over');
    this.#history.healed = this.#time.now;
    this.#thawServer();
    this.#server.outOfMemory = false;
    for (const { machine } of this.#processes) {
      this.#network.slow(machine, 0);
      this.#network.reunite(machine);
    }
  }

  async #checkRecovery(): Promise<void> {
    await Promise.all(
      this.#processes.map(async (process) => {
        if (!process.settled) {
          const [link] = process.roles.links();
          this.#saw(
            CLAIMS.recovers,
            `${process.name}: link ${link?.state}, ${process.cache.pendingInvalidations} invalidations pending`,
          );
        }
        for (let entry = 0; entry < this.plan.entries; entry += 1) {
          const read = await process.machine.run(() => this.#read(process, entry, LAST_READ));
          if (read.bypassed) this.#saw(CLAIMS.recovers, `read ${read.id} of ${process.name} does without Redis`);
        }
      }),
    );
  }

  #checkRest(): void {
    const left = this.#server.data.keys().filter((key) => key.startsWith('lease:'));
    if (left.length > 0) this.#saw(CLAIMS.recovers, `left behind: ${left.join(', ')}`);
  }

  /** Of the ways in which a lease comes to its end, those that let somebody else load although its holder still does. */
  #leaseChanged(key: Bytes, cause: Cause, before: Held): void {
    const { running } = this.#server;
    // In fair weather a holder renews it for as long as he loads.
    if (cause === 'expired' && !isStormy(this.plan)) return;
    if (running?.name === 'ps_acquire' && cause === 'written') {
      // Else it was a holder's that is known to be gone.
      if (String(running.args[3]) === 'steal' || this.#isOutdated(before)) this.#leaseEnded(key);
      return;
    }
    const byItsHolder = ['ps_release', 'ps_store', 'ps_renew'].includes(running?.name ?? '');
    if (!byItsHolder || cause === 'expired' || cause === 'evicted') this.#leaseEnded(key);
  }

  /** The lease names a version that is no longer any subject's. */
  #isOutdated({ value }: Held): boolean {
    if (value.type !== 'string') return true;
    const text = value.bytes.toString();
    const pairs = text.includes(' ') ? (JSON.parse(text.slice(text.indexOf(' '))) as string[]) : [];
    const current = this.#server.data.keys().filter((key) => key.startsWith('version:'));
    const versions = new Set(current.map((key) => bytesIn(this.#server.data.get(key))));
    return pairs.some((version, at) => at % 2 === 1 && !versions.has(version));
  }

  #leaseEnded(key: Bytes): void {
    this.#history.leaseEnds.push({ entry: Number(/e(\d+)\}$/.exec(key)?.[1]), at: this.#time.now });
  }

  #scriptRan(name: string, keys: readonly Bytes[], reply: unknown, ageMs: number): void {
    const expired = reply instanceof Failure;
    this.#tell('redis', `runs ${name} on ${keys[0] ?? ''}${reply instanceof Failure ? `: ${reply.message}` : ''}`);
    const { commandTimeoutMs } = SIMULATED_TIMES;
    if (!expired && ageMs > commandTimeoutMs * 1.5 + 50) {
      this.#saw(CLAIMS.noLateEffect, `${name} takes effect ${ageMs.toFixed(0)} ms after it was sent`);
    }
  }

  #checkGone(script: string, keys: readonly Bytes[], args: readonly Buffer[]): void {
    const each = { ps_invalidate: keys.length, ps_invalidate_entries: Number(String(args[1])) }[script];
    if (each === undefined) return;
    const left = keys.filter((key, at) => at % each === 0 && this.#server.data.get(key) !== undefined);
    for (const key of left) this.#saw(CLAIMS.gone, `${key} is still there`);
  }

  #valueKey(entry: number): string {
    return refOf(entry).key;
  }

  #evict(entry: number, what: Evictable): void {
    const key = this.#valueKey(entry);
    const versions = this.#server.data.keys().filter((one) => one.startsWith('version:'));
    const chosen = {
      value: key,
      sidecar: `meta:{${key}}`,
      lease: `lease:{${key}}`,
      version: versions[entry % Math.max(1, versions.length)],
    }[what];
    if (chosen !== undefined) this.#server.evict(chosen);
  }

  #saw(claim: string, what: string): void {
    this.#history.seen.push({ claim, at: this.#time.now, what });
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  #tell(who: string, what: string): void {
    this.story?.tell(this.#time.now, who, what);
  }
}
