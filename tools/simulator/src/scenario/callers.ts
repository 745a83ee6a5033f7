/** Who reads and writes in a run, through the cache and past it, and the origin that they share. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  absent,
  encodeValue,
  unchanged,
  valueReading,
  type Absent,
  type CacheObserver,
  type LoadContext,
  type LoadOptions,
  type Loaded,
  type LoadMany,
  type Stale,
  type Unchanged,
} from '@promptsales/cache-core';
import { SIMULATED_TIMES } from '../cache/simulated-process.js';
import { CLAIMS, CallerLeft, OriginError } from '../proof/claims.js';
import type { LoadRecord, ReadRecord, WriteRecord } from '../proof/history.js';
import { invalidate, isAbsent, labelsOf, refOf, type EntryFamily, type Version } from './entries.js';
import type { House, HouseProcess } from './house.js';
import type { Logbook } from './logbook.js';
import type { LoadPlan, Plan, Reach, ReadPlan } from './plan.js';

/** What a call is doing, for the cache's observer to note what befell it. */
const calls = new AsyncLocalStorage<Call>();

interface Call {
  readonly many: boolean;
  bypassed: boolean;
  fromMemory: boolean;
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

export class Callers {
  readonly #origin: number[];
  /** Writers who put values into the cache take turns, as they must. */
  readonly #turns: Promise<void>[];

  constructor(
    private readonly plan: Plan,
    private readonly house: House,
    private readonly log: Logbook,
  ) {
    this.#origin = Array.from({ length: plan.entries }, () => 0);
    this.#turns = Array.from({ length: plan.entries }, () => Promise.resolve());
  }

  /** For the cache of the process of that name: what befalls its callers. */
  observer(name: string): CacheObserver {
    return {
      hit: (_family, tier) => {
        const call = calls.getStore();
        // Of a call for many entries: whether one of them came from there.
        if (call !== undefined) call.fromMemory = tier === 'l1' || (call.many && call.fromMemory);
        this.log.count(`hit in ${tier}`);
      },
      emptied: (why) => this.log.tell(name, `empties its memory: ${why}`),
      bypass: (_family, why) => {
        const call = calls.getStore();
        if (call !== undefined) call.bypassed = true;
        this.log.tell(name, `does without Redis: ${why}`);
      },
      unusable: (_family, why) => this.log.tell(name, `cannot use what lies there: ${why}`),
      fill: (_family, result) => {
        this.log.count(`fill ${result}`);
        this.log.tell(name, `fill: ${result}`);
      },
    };
  }

  async read(process: HouseProcess, entry: number, { load, anew, leavesAfterMs }: ReadPlan): Promise<ReadRecord> {
    const read = this.#beginRead(process, entry);
    this.log.tell(process.name, `read ${read.id} of entry ${entry} begins${anew ? ', past the cache' : ''}`);
    const call: Call = { many: false, bypassed: false, fromMemory: false };
    try {
      const loaded = await calls.run(call, () =>
        process.aside.getOrLoad(
          refOf(entry),
          (context) => {
            // It takes the lease from whoever has it.
            if (anew) this.log.history.leaseEnds.push({ entry, at: this.house.now });
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

  async readMany(process: HouseProcess, load: LoadPlan): Promise<void> {
    const reads = this.#origin.map((_version, entry) => this.#beginRead(process, entry));
    const call: Call = { many: true, bypassed: false, fromMemory: false };
    this.log.tell(process.name, `reads ${reads.map(({ id }) => id).join(', ')} begin, of all entries together`);
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
    read.ended = this.house.now;
    read.error = error;
    this.log.tell(read.process, `read ${read.id} ends: ${String(error)}`);
  }

  #beginRead(process: HouseProcess, entry: number): ReadRecord {
    const read: ReadRecord = {
      id: this.log.history.reads.length,
      process: process.name,
      life: this.log.lifeOf(process),
      entry,
      began: this.house.now,
      beganOrder: this.log.history.nextOrder(),
      ended: null,
      version: null,
      error: null,
      source: null,
      bypassed: false,
      fromMemory: false,
    };
    this.log.history.reads.push(read);
    return read;
  }

  #endRead(
    read: ReadRecord,
    { value, source }: Pick<Loaded<unknown>, 'value' | 'source'>,
    { bypassed, fromMemory }: Call,
  ): void {
    read.bypassed = bypassed;
    read.fromMemory = fromMemory && (source === 'hit' || source === 'stale');
    read.ended = this.house.now;
    read.source = source;
    read.version = value === absent ? this.#lastAbsent(read.entry) : (value as Version).version;
    this.log.count(source);
    if (value === absent) this.log.count('absent');
    if (read.version === undefined) this.log.saw(CLAIMS.ownValues, `read ${read.id} got ${JSON.stringify(value)}`);
    this.log.tell(
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
    const began = this.house.now;
    const record: LoadRecord = { process: process.name, life, entry, called, began, ended: null, underLease };
    this.log.history.loads.push(record);
    this.log.count('load');
    const early = this.#origin[entry] as number;
    const how = `${load.hangs ? 'for ever' : `${load.ms} ms`}, origin at ${early}`;
    this.log.tell(process.name, `loads entry ${entry}${underLease ? '' : ' without a lease'} (${how})`);
    const done = load.hangs ? [] : [new Promise((resolve) => setTimeout(resolve, load.ms))];
    await Promise.race([...done, aborted(signal)]);
    record.ended = this.house.now;
    signal.throwIfAborted();
    if (load.fails) throw new OriginError('the origin fails');
    return this.#answer(load.reads === 'early' ? early : (this.#origin[entry] as number), stale);
  }

  #answer(version: number, stale: Stale<unknown> | null): Version | Absent | Unchanged {
    if (this.plan.ageing === null) return { version };
    const value = isAbsent(version) ? absent : { version };
    const before = stale?.value;
    const same = before === value || (before as Partial<Version> | undefined)?.version === version;
    if (same) this.log.count('unchanged');
    return same ? unchanged : value;
  }

  /** A look says what lies there; a miss says nothing. */
  async look(process: HouseProcess, entry: number): Promise<void> {
    const read = this.#beginRead(process, entry);
    this.log.tell(process.name, `read ${read.id} of entry ${entry} begins, a look only`);
    const call: Call = { many: false, bypassed: false, fromMemory: false };
    const found = await calls.run(call, () => process.cache.lookup(valueReading(refOf(entry))));
    read.ended = this.house.now;
    if (found.kind === 'hit') this.#endRead(read, { value: found.hit.value, source: 'hit' }, call);
  }

  async write(process: HouseProcess, entry: number, how: Reach | 'put'): Promise<void> {
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
    const id = this.log.history.writes.length;
    const writes = reached.map((one) => this.#beginWrite(process, id, one, how === 'pattern'));
    this.log.tell(process.name, `write ${id}: entry ${entry} becomes ${version} at the origin, then ${how}`);
    try {
      const { pending } = await (how === 'put' ? this.#put(process, entry, version) : invalidate(process, entry, how));
      for (const write of writes) write.completed = !pending;
      this.log.count(pending ? 'invalidation pending' : 'invalidation applied');
    } catch (error) {
      for (const write of writes) write.error = error as Error;
      this.log.saw(CLAIMS.neverFails, `write ${id} of ${process.name} failed: ${String(error)}`);
    }
    const order = this.log.history.nextOrder();
    for (const write of writes) {
      write.returned = this.house.now;
      write.returnedOrder = order;
    }
    this.log.tell(process.name, `write ${id} is ${writes[0]?.completed ? 'confirmed' : 'pending'}`);
  }

  #beginWrite(process: HouseProcess, id: number, entry: number, patient: boolean): WriteRecord {
    const write: WriteRecord = {
      id,
      process: process.name,
      life: this.log.lifeOf(process),
      entry,
      version: this.#origin[entry] as number,
      began: this.house.now,
      returned: null,
      returnedOrder: Infinity,
      completed: false,
      patient,
      error: null,
    };
    this.log.history.writes.push(write);
    return write;
  }

  async #put(process: HouseProcess, entry: number, version: number): Promise<{ pending: boolean }> {
    const ref = refOf(entry);
    const filling = { stored: encodeValue(ref.family, { version }), ttlSeconds: this.plan.ttlSeconds };
    const result = await process.cache.put({ ref, labels: labelsOf(entry) }, filling);
    return result === 'stored' ? { pending: false } : process.cache.invalidate({ ref });
  }

  #deathOf(process: HouseProcess): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (process.dead) this.house.in(2 * SIMULATED_TIMES.commandTimeoutMs, resolve);
        else this.house.in(100, look);
      };
      look();
    });
  }
}
