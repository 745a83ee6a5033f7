/** Runs a plan in a house: real protocol code, and an origin that counts. By default everything else is simulated. */
import { SIMULATED_L1, SIMULATED_TIMES } from '../cache/simulated-process.js';
import { CLAIMS, check } from '../proof/claims.js';
import type { Violation } from '../proof/history.js';
import { useVirtualGlobals } from '../time/globals.js';
import { Callers } from './callers.js';
import { refOf } from './entries.js';
import type { Building, House, HouseProcess } from './house.js';
import { Logbook } from './logbook.js';
import type { Plan, ReadPlan, Step } from './plan.js';
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

class Simulation {
  readonly #log: Logbook;
  readonly #house: House;
  readonly #callers: Callers;
  readonly #processes: HouseProcess[] = [];

  constructor(
    private readonly plan: Plan,
    build: Building,
    story: Story | undefined,
  ) {
    this.#log = new Logbook(() => this.#house.now, story);
    this.#house = build(plan, {
      leaseEnded: (key) =>
        this.#log.history.leaseEnds.push({ entry: Number(/e(\d+)\}$/.exec(key)?.[1]), at: this.#house.now }),
      saw: (claim, what) => this.#log.saw(claim, what),
      tell: (who, what) => this.#log.tell(who, what),
    });
    this.#callers = new Callers(plan, this.#house, this.#log);
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
    if (!recovered) this.#log.saw(CLAIMS.recovers, 'the last reads have not ended');
    await this.#checkRest();
    for (const process of this.#processes) process.die();
    await this.#house.end();
    const longestLoadMs = Math.max(0, ...this.plan.steps.map((step) => ('load' in step ? step.load.ms : 0)));
    return {
      violations: check(this.#log.history, { end: this.#house.now, longestLoadMs, accuracyMs: this.#house.accuracyMs }),
      counts: this.#log.counts,
    };
  }

  #start(index: number): void {
    const life = this.#log.nextLife;
    const name = `${'ABC'[index]}${life < this.plan.processes ? '' : life}`;
    const l1 = this.plan.l1 ? SIMULATED_L1 : null;
    const process = this.#house.start(name, this.#callers.observer(name), {
      l1,
      journal: { capacity: this.plan.journalCapacity, keepAcknowledgedMs: 60_000, retryMs: 50 },
    });
    for (const link of process.roles.links()) {
      // Behind the cache's own, so what that replays is there.
      link.onRecovery(async () => void this.#log.history.replays.push({ life, at: this.#house.now }));
      link.on('state', (state, reason) => {
        this.#log.tell(name, `its link is ${state} (${reason})`);
      });
    }
    this.#log.begin(process);
    this.#processes[index] = process;
  }

  #take(step: Step): void {
    this.#log.count(step.kind);
    const { entry = 0 } = step as { entry?: number };
    const process = this.#processes['process' in step ? step.process : 0] as HouseProcess;
    const back = (ms: number, work: () => void): void => this.#house.in(ms, work);
    if (process.dead && 'process' in step) return;
    switch (step.kind) {
      case 'read':
        void process.run(() => this.#callers.read(process, entry, step));
        return;
      case 'read many':
        void process.run(() => this.#callers.readMany(process, step.load));
        return;
      case 'look':
        void process.run(() => this.#callers.look(process, entry));
        return;
      case 'write':
        void process.run(() => this.#callers.write(process, entry, step.by));
        return;
      case 'write through':
        void process.run(() => this.#callers.write(process, entry, 'put'));
        return;
      case 'break':
        this.#log.tell('fault', `connection ${step.connection} of ${process.name} breaks, ${step.how}`);
        this.#house.break(process, step.connection, step.how);
        return;
      case 'slow':
        this.#log.tell('fault', `the network of ${process.name} is up to ${step.ms} ms slower for ${step.forMs} ms`);
        this.#house.slow(process, step.ms);
        back(step.forMs, () => this.#house.slow(process, 0));
        return;
      case 'cut off':
        this.#log.tell('fault', `${process.name} is cut off for ${step.forMs} ms`);
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
        this.#log.tell('fault', `the date of ${process.name} jumps by ${step.ms} ms`);
        process.stepClock(step.ms);
        return;
      case 'freeze server':
        if (!this.#house.up) return;
        this.#log.tell('fault', `redis is frozen for ${step.forMs} ms`);
        this.#house.freezeServer();
        back(step.forMs, () => this.#thawServer());
        return;
      case 'restart server':
        this.#restart(step.forMs, step.forgetMs, step.skewMs);
        return;
      case 'out of memory':
        this.#log.tell('fault', `redis is out of memory for ${step.forMs} ms`);
        this.#house.setOutOfMemory(true);
        back(step.forMs, () => this.#house.setOutOfMemory(false));
        return;
      case 'evict':
        this.#house.evict(refOf(entry).key, step.what, entry);
        return;
      case 'foreign write':
        this.#log.tell('fault', `somebody else writes to ${refOf(entry).key}`);
        this.#house.writeFromOutside(refOf(entry).key, String(FOREIGN), 3000);
        return;
    }
  }

  #freeze(process: HouseProcess, forMs: number): void {
    if (process.frozen) return;
    this.#log.tell('fault', `${process.name} is frozen for ${forMs} ms`);
    process.freeze();
    const freeze = { life: this.#log.lifeOf(process), from: this.#house.now, until: Infinity };
    this.#log.history.freezes.push(freeze);
    this.#house.in(forMs, () => {
      if (!process.frozen) return;
      freeze.until = this.#house.now;
      this.#log.tell('fault', `${process.name} goes on`);
      process.thaw();
    });
  }

  #kill(process: HouseProcess, index: number, forMs: number): void {
    this.#log.tell('fault', `${process.name} is killed; its successor starts in ${forMs} ms`);
    this.#log.history.deaths.set(this.#log.lifeOf(process), this.#house.now);
    process.die();
    this.#house.in(forMs, () => this.#start(index));
  }

  #thawServer(): void {
    if (!this.#house.frozen) return;
    this.#log.tell('fault', 'redis goes on');
    this.#house.thawServer();
  }

  #restart(forMs: number, forgetMs: number, skewMs: number): void {
    if (!this.#house.up) return;
    const keptUntil = this.#house.stopServer(forgetMs);
    const restart = { keptUntil, stopped: this.#house.now, started: Infinity };
    this.#log.tell('fault', `redis is stopped for ${forMs} ms and forgets the last ${forgetMs} ms`);
    this.#log.history.restarts.push(restart);
    this.#house.in(forMs, () => {
      restart.started = this.#house.now;
      this.#house.startServer(skewMs);
      this.#log.tell('fault', `redis is back${skewMs === 0 ? '' : `, its clock ${skewMs} ms off`}`);
    });
  }

  /** Every fault is over: those that are to end later end now. */
  #heal(): void {
    this.#log.tell('fault', 'all trouble is over');
    this.#log.history.healed = this.#house.now;
    this.#thawServer();
    this.#house.setOutOfMemory(false);
    for (const process of this.#processes) {
      this.#house.slow(process, 0);
      this.#house.reunite(process);
    }
  }

  #isAtRest(): boolean {
    const { reads, writes, deaths } = this.#log.history;
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
          this.#log.saw(
            CLAIMS.recovers,
            `${process.name}: link ${link?.state}, ${process.cache.pendingInvalidations} invalidations pending`,
          );
        }
        for (let entry = 0; entry < this.plan.entries; entry += 1) {
          const read = await process.run(() => this.#callers.read(process, entry, LAST_READ));
          if (read.bypassed) this.#log.saw(CLAIMS.recovers, `read ${read.id} of ${process.name} does without Redis`);
        }
      }),
    );
  }

  async #checkRest(): Promise<void> {
    const left = await this.#house.leases();
    if (left.length > 0) this.#log.saw(CLAIMS.recovers, `left behind: ${left.join(', ')}`);
  }
}
