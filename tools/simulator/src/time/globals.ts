/**
 * Time and chance as the code of a machine sees them. Each global asks in whose context it is called: a machine gets the
 * virtual clock, everybody else (a test runner, say) the real one.
 */
import { performance as nodePerformance } from 'node:perf_hooks';
import { currentMachine, type Machine, type Scheduled } from './virtual-time.js';

/** What the global timers give a machine in place of `NodeJS.Timeout` and `NodeJS.Immediate`. */
class VirtualTimer {
  #event: Scheduled | undefined;

  constructor(
    private readonly machine: Machine,
    private readonly work: () => void,
    private readonly ms: number,
    private readonly repeat: boolean,
  ) {
    this.#set();
  }

  #set(): void {
    // A real timer is late by a part of a millisecond, and not always by the same.
    const late = this.ms === 0 ? 0 : this.machine.random.next() * 0.5;
    this.#event = this.machine.time.in(
      this.ms + late,
      () => {
        if (this.repeat) this.#set();
        this.work();
      },
      this.machine,
    );
  }

  cancel(): void {
    if (this.#event !== undefined) this.#event.cancelled = true;
  }

  refresh(): this {
    this.cancel();
    this.#set();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  close(): void {
    this.cancel();
  }
}

type Callback = (...args: unknown[]) => void;
type Substitutes = Readonly<Record<string, unknown>>;

const REAL = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  setImmediate: globalThis.setImmediate,
  clearTimeout: globalThis.clearTimeout,
  clearInterval: globalThis.clearInterval,
  clearImmediate: globalThis.clearImmediate,
};
const realDateNow = Date.now.bind(Date);
const realRandom = Math.random.bind(Math);

let users = 0;
let takeBack: (() => void)[] = [];

/** Puts the substitutes in place until the returned function is called (once by each who asked for them). */
export function useVirtualGlobals(): () => void {
  users += 1;
  if (users === 1) takeBack = [...substituteTimers(), ...substituteClocks()];
  let used = true;
  return () => {
    if (!used) return;
    used = false;
    users -= 1;
    if (users === 0) for (const undo of takeBack) undo();
  };
}

function substituteTimers(): (() => void)[] {
  const setter =
    (real: (work: Callback, ms?: number, ...args: unknown[]) => unknown, repeat: boolean) =>
    (work: Callback, ms?: number, ...args: unknown[]): unknown => {
      const machine = currentMachine();
      if (machine === undefined) return real(work, ms, ...args);
      return new VirtualTimer(machine, () => work(...args), Math.max(1, Math.trunc(ms ?? 1) || 1), repeat);
    };
  const clearer =
    (real: (timer: unknown) => void) =>
    (timer: unknown): void => {
      if (timer instanceof VirtualTimer) timer.cancel();
      else real(timer);
    };
  return substitute(globalThis, {
    setTimeout: setter(REAL.setTimeout, false),
    setInterval: setter(REAL.setInterval, true),
    setImmediate: (work: Callback, ...args: unknown[]): unknown => {
      const machine = currentMachine();
      if (machine === undefined) return REAL.setImmediate(work, ...args);
      return new VirtualTimer(machine, () => work(...args), 0, false);
    },
    clearTimeout: clearer(REAL.clearTimeout as never),
    clearInterval: clearer(REAL.clearInterval as never),
    clearImmediate: clearer(REAL.clearImmediate as never),
  });
}

function substituteClocks(): (() => void)[] {
  const clocks = new Set([globalThis.performance, nodePerformance]);
  return [
    ...[...clocks].flatMap((clock) => {
      const real = clock.now.bind(clock);
      return substitute(clock, { now: () => currentMachine()?.time.now ?? real() });
    }),
    ...substitute(Date, {
      now: () => {
        const machine = currentMachine();
        return machine === undefined
          ? realDateNow()
          : Math.floor(machine.time.epoch + machine.time.now + machine.skewMs);
      },
    }),
    ...substitute(Math, { random: () => currentMachine()?.random.next() ?? realRandom() }),
  ];
}

function substitute(owner: object, substitutes: Substitutes): (() => void)[] {
  return Object.entries(substitutes).map(([name, value]) => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: before?.enumerable ?? true,
    });
    return () => {
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, before);
    };
  });
}
