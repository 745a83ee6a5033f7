/**
 * The virtual clock, and the simulated machines that live by it.
 *
 * Invariants
 * 1. Nothing happens but by an event of this clock. Between two events all promises settle (`settle`), so what an event
 *    sets off has happened before the next one, and a seed always gives the same run.
 * 2. Each event belongs to a machine or to the world. The code of a machine runs in an asynchronous context that names
 *    it: its timers, its view of the time and its random numbers are found by that context (see `globals.ts`), so several
 *    machines share one JavaScript realm and none shares a clock.
 * 3. A frozen machine does nothing: what falls due meanwhile happens at the thaw, and its clocks have gone on. A dead one
 *    never does anything again.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Random } from './random.js';

const settleByRealTurn = setImmediate;

const machines = new AsyncLocalStorage<Machine>();

/** The machine whose code is running; undefined outside every simulation. */
export function currentMachine(): Machine | undefined {
  return machines.getStore();
}

export interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly machine: Machine | null;
  readonly work: () => void;
  cancelled: boolean;
}

export class VirtualTime {
  readonly random: Random;
  /** 1 January 2027: what the machines take for the date at 0. */
  readonly epoch = Date.UTC(2027, 0, 1);
  #now = 0;
  #orders = 0;
  readonly #heap: Scheduled[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.#now;
  }

  in(ms: number, work: () => void, machine: Machine | null = null): Scheduled {
    return this.at(this.#now + ms, work, machine);
  }

  at(at: number, work: () => void, machine: Machine | null = null): Scheduled {
    const event = { at: Math.max(at, this.#now), order: this.#orders++, machine, work, cancelled: false };
    this.#push(event);
    return event;
  }

  /** Lets everything happen that falls due until then. */
  async runUntil(end: number): Promise<void> {
    await settle();
    for (let event = this.#heap[0]; event !== undefined && event.at <= end; event = this.#heap[0]) {
      this.#pop();
      if (event.cancelled || event.machine?.dead === true) continue;
      this.#now = event.at;
      if (event.machine === null) event.work();
      else if (event.machine.frozen) {
        event.machine.missed.push(event);
        continue;
      } else machines.run(event.machine, event.work);
      await settle();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** Runs code as a machine's own, now. */
  as<T>(machine: Machine, work: () => T): T {
    return machines.run(machine, work);
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent] as Scheduled)) break;
      heap[at] = heap[parent] as Scheduled;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Scheduled;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Scheduled, heap[child] as Scheduled)) child += 1;
      if (!before(heap[child] as Scheduled, last)) break;
      heap[at] = heap[child] as Scheduled;
      at = child;
    }
    heap[at] = last;
  }
}

/** A machine that runs code: a process of the platform. */
export class Machine {
  /** What fell due while it was frozen. */
  readonly missed: Scheduled[] = [];
  readonly random: Random;
  /** How far its date is off. */
  skewMs = 0;
  #frozen = false;
  #dead = false;

  constructor(
    readonly name: string,
    readonly time: VirtualTime,
  ) {
    this.random = time.random.fork();
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get dead(): boolean {
    return this.#dead;
  }

  freeze(): void {
    this.#frozen = true;
  }

  /** What was missed happens now, in the order in which it fell due. */
  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    for (const event of this.missed.splice(0)) {
      // Looked at again when its turn comes: one of these may cancel another.
      this.time.in(0, () => event.cancelled || event.work(), this);
    }
  }

  die(): void {
    this.#dead = true;
    this.missed.length = 0;
  }

  run<T>(work: () => T): T {
    return this.time.as(this, work);
  }
}

/** One turn of the real event loop: every promise and every `process.nextTick` that is due has run. */
function settle(): Promise<void> {
  return new Promise((resolve) => settleByRealTurn(resolve));
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
