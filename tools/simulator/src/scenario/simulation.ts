/** Runs a plan in a house: real protocol code, and an origin that counts. By default everything else is simulated. */
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
import { SIMULATED_L1, SIMULATED_TIMES } from '../cache/simulated-process.js';
import { CLAIMS, CallerLeft, OriginError, check } from '../proof/claims.js';
import {
  History,
  type Life,
  type LoadRecord,
  type ReadRecord,
  type Violation,
  type WriteRecord,
} from '../proof/history.js';
import { useVirtualGlobals } from '../time/globals.js';
import type { Building, House, HouseProcess } from './house.js';
import type { LoadPlan, Plan, Reach, ReadPlan, Step } from './plan.js';
import { SimulatedHouse } from './simulated-house.js';
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
    return await runIn((...given) => new SimulatedHouse(...given), plan, story);
  } finally {
    release();
  }
}

/** Runs a plan in a house of somebody's. */
export function runIn(build: Building, plan: Plan, story?: Story): Promise<Outcome> {
  return new Simulation(plan, build, story).run();
}

type EntryFamily = typeof keyspace.githubRepos;
type EntryRef = KeyRef<EntryFamily>;

function refOf(entry: number): EntryRef {
  return keyspace.githubRepos.at({ user: `e${entry}` });
}

function labelsOf(entry: number): EntryLabels {
  return { namespace: 'n', tags: [`t${entry}`, 'shared'] };
}

function invalidate({ cache }: HouseProcess, entry: number, by: Reach): Promise<Invalidation> {
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
  readonly #house: House;
  readonly #history = new History();
  readonly #processes: (HouseProcess & { readonly life?: Life })[] = [];
  readonly #lives = new Map<HouseProcess, Life>();
  readonly #origin: number[];
  /** Writers who put values into the cache take turns, as they must. */
  readonly #turns: Promise<void>[];
  readonly #counts = new Map<string, number>();

  constructor(
    private readonly plan: Plan,
    build: Building,
    private readonly story: Story | undefined,
  ) {
    this.#house = build(plan, {
      leaseEnded: (key) =>
        this.#history.leaseEnds.push({ entry: Number(/e(\d+)\}$/.exec(key)?.[1]), at: this.#house.now }),
      saw: (claim, what) => this.#saw(claim, what),
      tell: (who, what) => this.#tell(who, what),
    });
    this.#origin = Array.from({ length: plan.entries }, () => 0);
    this.#turns = Array.from({ length: plan.entries }, () => Promise.resolve());
    for (let at = 0; at < plan.processes; at += 1) this.#start(at);
  }

  async run(): Promise<Outcome> {
    // Everybody is connected before the first step.
    await this.#house.runUntil(100);
    for (const step of this.plan.steps) this.#house.in(step.at, () => this.#take(step));
    await this.#house.runUntil(100 + this.plan.lengthMs);
    this.#heal();
    await this.#house.until(() => this.#isAtRest(), RECOVERY_MS);
    let recovered = false;
    void this.#checkRecovery().then(() => (recovered = true));
    await this.#house.until(() => recovered, SIMULATED_TIMES.leaseMs + 1000);
    if (!recovered) this.#saw(CLAIMS.recovers, 'the last reads have not ended');
    await this.#checkRest();
    for (const process of this.#processes) process.die();
    await this.#house.end();
    const longestLoadMs = Math.max(0, ...this.plan.steps.map((step) => ('load' in step ? step.load.ms : 0)));
    return {
      violations: check(this.#history, { end: this.#house.now, longestLoadMs, accuracyMs: this.#house.accuracyMs }),
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
    const process = this.#house.start(name, observer, {
      l1,
      journal: { capacity: this.plan.journalCapacity, keepAcknowledgedMs: 60_000, retryMs: 50 },
    });
    for (const link of process.roles.links()) {
      // Behind the cache's own, so what that replays is there.
      link.onRecovery(async () => void this.#history.replays.push({ life, at: this.#house.now }));
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
    const process = this.#processes['process' in step ? step.process : 0] as HouseProcess;
    const back = (ms: number, work: () => void): void => this.#house.in(ms, work);
    if (process.dead && 'process' in step) return;
    switch (step.kind) {
      case 'read':
        void process.run(() => this.#read(process, entry, step));
        return;
      case 'read many':
        void process.run(() => this.#readMany(process, step.load));
        return;
      case 'look':
        void process.run(() => this.#look(process, entry));
        return;
      case 'write':
        void process.run(() => this.#write(process, entry, step.by));
        return;
      case 'write through':
        void process.run(() => this.#write(process, entry, 'put'));
        return;
      case 'break':
        this.#tell('fault', `connection ${step.connection} of ${process.name} breaks, ${step.how}`);
        this.#house.break(process, step.connection, step.how);
        return;
      case 'slow':
        this.#tell('fault', `the network of ${process.name} is up to ${step.ms} ms slower for ${step.forMs} ms`);
        this.#house.slow(process, step.ms);
        back(step.forMs, () => this.#house.slow(process, 0));
        return;
      case 'cut off':
        this.#tell('fault', `${process.name} is cut off for ${step.forMs} ms`);
        this.#house.cutOff(process);
        back(step.forMs, () => this.#house.reunite(process));
        return;
      case 'freeze process':
        this.#freeze(process, step.forMs);
        return;
      case 'kill process':
        this.#kill(process, step.process, step.forMs);
        return;
      case 'step clock':
        this.#tell('fault', `the date of ${process.name} jumps by ${step.ms} ms`);
        process.stepClock(step.ms);
        return;
      case 'freeze server':
        if (!this.#house.up) return;
        this.#tell('fault', `redis is frozen for ${step.forMs} ms`);
        this.#house.freezeServer();
        back(step.forMs, () => this.#thawServer());
        return;
      case 'restart server':
        this.#restart(step.forMs, step.forgetMs, step.skewMs);
        return;
      case 'out of memory':
        this.#tell('fault', `redis is out of memory for ${step.forMs} ms`);
        this.#house.setOutOfMemory(true);
        back(step.forMs, () => this.#house.setOutOfMemory(false));
        return;
      case 'evict':
        this.#house.evict(this.#valueKey(entry), step.what, entry);
        return;
      case 'foreign write':
        this.#tell('fault', `somebody else writes to ${this.#valueKey(entry)}`);
        this.#house.writeFromOutside(this.#valueKey(entry), String(FOREIGN), 3000);
        return;
    }
  }

  async #read(process: HouseProcess, entry: number, { load, anew, leavesAfterMs }: ReadPlan): Promise<ReadRecord> {
    const read = this.#beginRead(process, entry);
    this.#tell(process.name, `read ${read.id} of entry ${entry} begins${anew ? ', past the cache' : ''}`);
    const call: Call = { many: false, bypassed: false, fromMemory: false };
    try {
      const loaded = await calls.run(call, () =>
        process.aside.getOrLoad(
          refOf(entry),
          (context) => {
            // It takes the lease from whoever has it.
            if (anew) this.#history.leaseEnds.push({ entry, at: this.#house.now });
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

  async #readMany(process: HouseProcess, load: LoadPlan): Promise<void> {
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
    read.ended = this.#house.now;
    read.error = error;
    this.#tell(read.process, `read ${read.id} ends: ${String(error)}`);
  }

  #beginRead(process: HouseProcess, entry: number): ReadRecord {
    const read: ReadRecord = {
      id: this.#history.reads.length,
      process: process.name,
      life: this.#lives.get(process) as Life,
      entry,
      began: this.#house.now,
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
    read.ended = this.#house.now;
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
    process: HouseProcess,
    { life, entry, began: called }: ReadRecord,
    load: LoadPlan,
    { signal, stale }: Pick<LoadContext<unknown>, 'signal' | 'stale'>,
    call: Call,
  ): Promise<Version | Absent | Unchanged> {
    const underLease = !call.bypassed;
    const began = this.#house.now;
    const record: LoadRecord = { process: process.name, life, entry, called, began, ended: null, underLease };
    this.#history.loads.push(record);
    this.#count('load');
    const early = this.#origin[entry] as number;
    const how = `${load.hangs ? 'for ever' : `${load.ms} ms`}, origin at ${early}`;
    this.#tell(process.name, `loads entry ${entry}${underLease ? '' : ' without a lease'} (${how})`);
    const done = load.hangs ? [] : [new Promise((resolve) => setTimeout(resolve, load.ms))];
    await Promise.race([...done, aborted(signal)]);
    record.ended = this.#house.now;
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
  async #look(process: HouseProcess, entry: number): Promise<void> {
    const read = this.#beginRead(process, entry);
    this.#tell(process.name, `read ${read.id} of entry ${entry} begins, a look only`);
    const call: Call = { many: false, bypassed: false, fromMemory: false };
    const found = await calls.run(call, () => process.cache.lookup(valueReading(refOf(entry))));
    read.ended = this.#house.now;
    if (found.kind === 'hit') this.#endRead(read, { value: found.hit.value, source: 'hit' }, call);
  }

  async #write(process: HouseProcess, entry: number, how: Reach | 'put'): Promise<void> {
    if (!this.plan.turns) return this.#writeNow(process, entry, how);
    const turn = this.#turns[entry] as Promise<void>;
    const mine = turn.then(() => process.run(() => this.#writeNow(process, entry, how)));
    // Whoever dies in his turn holds the others up until nothing that he sent can still arrive.
    this.#turns[entry] = Promise.race([mine, this.#deathOf(process)]);
    return mine;
  }

  async #writeNow(process: HouseProcess, entry: number, how: Reach | 'put'): Promise<void> {
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
      write.returned = this.#house.now;
      write.returnedOrder = order;
    }
    this.#tell(process.name, `write ${id} is ${writes[0]?.completed ? 'confirmed' : 'pending'}`);
  }

  #beginWrite(process: HouseProcess, id: number, entry: number, patient: boolean): WriteRecord {
    const write: WriteRecord = {
      id,
      process: process.name,
      life: this.#lives.get(process) as Life,
      entry,
      version: this.#origin[entry] as number,
      began: this.#house.now,
      returned: null,
      returnedOrder: Infinity,
      completed: false,
      patient,
      error: null,
    };
    this.#history.writes.push(write);
    return write;
  }

  async #put(process: HouseProcess, entry: number, version: number): Promise<{ pending: boolean }> {
    const ref = refOf(entry);
    const filling = { stored: encodeValue(ref.family, { version }), ttlSeconds: this.plan.ttlSeconds };
    const result = await process.cache.put({ ref, labels: labelsOf(entry) }, filling);
    return result === 'stored' ? { pending: false } : process.cache.invalidate({ ref });
  }

  #freeze(process: HouseProcess, forMs: number): void {
    if (process.frozen) return;
    this.#tell('fault', `${process.name} is frozen for ${forMs} ms`);
    process.freeze();
    const freeze = { life: this.#lives.get(process) as Life, from: this.#house.now, until: Infinity };
    this.#history.freezes.push(freeze);
    this.#house.in(forMs, () => {
      if (!process.frozen) return;
      freeze.until = this.#house.now;
      this.#tell('fault', `${process.name} goes on`);
      process.thaw();
    });
  }

  #kill(process: HouseProcess, index: number, forMs: number): void {
    this.#tell('fault', `${process.name} is killed; its successor starts in ${forMs} ms`);
    this.#history.deaths.set(this.#lives.get(process) as Life, this.#house.now);
    process.die();
    this.#house.in(forMs, () => this.#start(index));
  }

  #deathOf(process: HouseProcess): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (process.dead) this.#house.in(2 * SIMULATED_TIMES.commandTimeoutMs, resolve);
        else this.#house.in(100, look);
      };
      look();
    });
  }

  #thawServer(): void {
    if (!this.#house.frozen) return;
    this.#tell('fault', 'redis goes on');
    this.#house.thawServer();
  }

  #restart(forMs: number, forgetMs: number, skewMs: number): void {
    if (!this.#house.up) return;
    const keptUntil = this.#house.stopServer(forgetMs);
    const restart = { keptUntil, stopped: this.#house.now, started: Infinity };
    this.#tell('fault', `redis is stopped for ${forMs} ms and forgets the last ${forgetMs} ms`);
    this.#history.restarts.push(restart);
    this.#house.in(forMs, () => {
      restart.started = this.#house.now;
      this.#house.startServer(skewMs);
      this.#tell('fault', `redis is back${skewMs === 0 ? '' : `, its clock ${skewMs} ms off`}`);
    });
  }

  /** Every fault is over: those that are to end later end now. */
  #heal(): void {
    this.#tell('fault', 'all trouble is over');
    this.#history.healed = this.#house.now;
    this.#thawServer();
    this.#house.setOutOfMemory(false);
    for (const process of this.#processes) {
      this.#house.slow(process, 0);
      this.#house.reunite(process);
    }
  }

  #isAtRest(): boolean {
    const { reads, writes, deaths } = this.#history;
    const done =
      reads.every(({ ended, life }) => ended !== null || deaths.has(life)) &&
      writes.every(({ returned, life }) => returned !== null || deaths.has(life));
    return done && this.#processes.every(({ settled }) => settled);
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
          const read = await process.run(() => this.#read(process, entry, LAST_READ));
          if (read.bypassed) this.#saw(CLAIMS.recovers, `read ${read.id} of ${process.name} does without Redis`);
        }
      }),
    );
  }

  async #checkRest(): Promise<void> {
    const left = await this.#house.leases();
    if (left.length > 0) this.#saw(CLAIMS.recovers, `left behind: ${left.join(', ')}`);
  }

  #valueKey(entry: number): string {
    return refOf(entry).key;
  }

  #saw(claim: string, what: string): void {
    this.#history.seen.push({ claim, at: this.#house.now, what });
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  #tell(who: string, what: string): void {
    this.story?.tell(this.#house.now, who, what);
  }
}
