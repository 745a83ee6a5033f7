import type { Ageing, LoadPlan, Plan, Step } from './plan.js';

/** Schedules that somebody thought of, each run with many seeds: the delays of its messages differ. */
export interface HardCase {
  readonly name: string;
  readonly seeds: number;
  readonly plan: (seed: number) => Plan;
}

const QUICK: LoadPlan = { ms: 5, fails: false, hangs: false, reads: 'early' };
const SLOW: LoadPlan = { ...QUICK, ms: 400 };

const LASTING: Ageing = {
  freshSeconds: 60,
  graceSeconds: 0,
  softTimeoutMs: null,
  hardTimeoutMs: 800,
  negativeTtlSeconds: 60,
  errorBackoffMs: 0,
};

function hardCase(name: string, seeds: number, what: Partial<Plan>, steps: readonly Step[]): HardCase {
  const plan = {
    processes: 2,
    entries: 1,
    ttlSeconds: 120,
    turns: false,
    l1: false,
    ageing: null,
    journalCapacity: 1000,
  };
  return { name, seeds, plan: (seed) => ({ ...plan, lengthMs: 2000, ...what, seed, steps }) };
}

function reads(process: number, ...moments: readonly number[]): Step[] {
  return moments.flatMap((at) => readOf(process, 0, at));
}

function readOf(process: number, entry: number, at: number, load: LoadPlan = QUICK): Step {
  return { at, kind: 'read', process, entry, load, anew: false, leavesAfterMs: null };
}

export const HARD_CASES: readonly HardCase[] = [
  hardCase('a put whose connection broke does not come back over what was invalidated after it', 20, { turns: true }, [
    { at: 100, kind: 'write through', process: 0, entry: 0 },
    // Behind the answer about versions, and before the value is under way.
    { at: 102, kind: 'slow', process: 0, ms: 160, forMs: 8 },
    { at: 111, kind: 'break', process: 0, connection: 0, how: 'answers only' },
    ...[115, 120, 130, 140].map((at): Step => ({ at, kind: 'write', process: 1, entry: 0, by: 'key' })),
    ...reads(1, 200, 250, 300, 400, 500),
  ]),
  hardCase('a put that a server forgets is put right by whoever made it', 3, { turns: true }, [
    ...reads(1, 10),
    { at: 100, kind: 'write through', process: 0, entry: 0 },
    { at: 200, kind: 'restart server', forMs: 50, forgetMs: 150, skewMs: 0 },
    ...reads(1, 1200, 1300),
  ]),
  hardCase('a server forgets more invalidations than the journal holds', 3, { entries: 2, journalCapacity: 1 }, [
    readOf(1, 0, 10),
    readOf(1, 1, 10),
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'key' },
    { at: 120, kind: 'write', process: 0, entry: 1, by: 'key' },
    { at: 200, kind: 'restart server', forMs: 50, forgetMs: 150, skewMs: 0 },
    readOf(1, 0, 1200),
    readOf(1, 1, 1200),
  ]),
  hardCase('a version that was evicted and made anew is none that an entry knows', 3, { entries: 2 }, [
    readOf(0, 0, 10),
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'family' },
    { at: 120, kind: 'evict', entry: 0, what: 'version' },
    { at: 120, kind: 'evict', entry: 0, what: 'version' },
    { at: 120, kind: 'evict', entry: 0, what: 'version' },
    { at: 120, kind: 'evict', entry: 0, what: 'version' },
    readOf(0, 1, 150),
    { at: 300, kind: 'look', process: 1, entry: 0 },
    ...reads(1, 310),
  ]),
  hardCase('what this process has invalidated is not read while Redis has not confirmed it', 15, {}, [
    ...reads(0, 10),
    { at: 100, kind: 'slow', process: 0, ms: 400, forMs: 1 },
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'key' },
    ...reads(0, 330, 340, 350, 360, 370),
  ]),
  hardCase('nor what is stored under a tag, by a reader who does not know the tag', 15, {}, [
    ...reads(0, 10),
    { at: 100, kind: 'slow', process: 0, ms: 400, forMs: 1 },
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'own tag' },
    ...[330, 340, 350, 360, 370].map((at): Step => ({ at, kind: 'look', process: 0, entry: 0 })),
  ]),
  hardCase('more invalidations wait than the journal holds', 3, { entries: 2, journalCapacity: 1 }, [
    readOf(0, 0, 10),
    readOf(0, 1, 10),
    { at: 50, kind: 'break', process: 0, connection: 0, how: 'both ways' },
    { at: 50, kind: 'cut off', process: 0, forMs: 400 },
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'key' },
    { at: 120, kind: 'write', process: 0, entry: 1, by: 'key' },
    readOf(0, 0, 1800),
    readOf(0, 1, 1800),
  ]),
  hardCase('others wait until a slow process has repeated what a server forgot', 6, {}, [
    ...reads(1, 10),
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'key' },
    { at: 200, kind: 'restart server', forMs: 20, forgetMs: 150, skewMs: 0 },
    { at: 200, kind: 'slow', process: 0, ms: 60, forMs: 1500 },
    ...reads(1, 300, 330, 360, 400, 450),
  ]),
  hardCase('who comes to a server that has just begun again waits as the others do', 6, {}, [
    ...reads(1, 10),
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'key' },
    { at: 150, kind: 'kill process', process: 1, forMs: 80 },
    { at: 200, kind: 'restart server', forMs: 20, forgetMs: 150, skewMs: 0 },
    { at: 200, kind: 'slow', process: 0, ms: 60, forMs: 1500 },
    ...reads(1, 240, 260, 280, 300, 350),
  ]),
  hardCase('an answer arrives behind the message that its key has changed', 25, { l1: true }, [
    ...reads(0, 10),
    ...reads(1, 100),
    // The answer is late, the message is not.
    { at: 101, kind: 'slow', process: 1, ms: 60, forMs: 3 },
    { at: 104, kind: 'write', process: 0, entry: 0, by: 'key' },
    ...reads(1, 700, 900),
  ]),
  hardCase('a process that is told nothing any more does not trust its memory', 6, { l1: true }, [
    ...reads(1, 10, 40, 70),
    { at: 100, kind: 'cut off', process: 1, forMs: 1500 },
    { at: 110, kind: 'write', process: 0, entry: 0, by: 'key' },
    ...reads(1, 525, 540, 555, 570),
  ]),
  hardCase('what changed while a process was not told is not in its memory', 6, { l1: true }, [
    ...reads(1, 10, 40, 70),
    { at: 100, kind: 'break', process: 1, connection: 1, how: 'both ways' },
    { at: 101, kind: 'write', process: 0, entry: 0, by: 'key' },
    ...reads(1, 700, 900),
  ]),
  hardCase('who comes while a lease is asked for, and after an invalidation, boards no load that is older', 40, {}, [
    ...[100, 101, 102, 103].flatMap((at): Step[] => [
      readOf(0, 0, at, SLOW),
      { at, kind: 'write', process: 1, entry: 0, by: 'key' },
    ]),
    ...reads(0, 104, 105, 106, 107, 108, 110, 112),
  ]),
  hardCase(
    'a load that its own process invalidates while it asks for its lease is no load to join without Redis',
    60,
    {},
    [
      readOf(0, 0, 50),
      { at: 60, kind: 'write', process: 1, entry: 0, by: 'key' },
      readOf(0, 0, 100, SLOW),
      ...[102, 103, 104, 105].map((at): Step => ({ at, kind: 'write', process: 0, entry: 0, by: 'key' })),
      { at: 106, kind: 'cut off', process: 0, forMs: 400 },
      ...reads(0, 108, 120, 200, 300),
    ],
  ),
  hardCase('an invalidation reaches what is being loaded and is not there yet', 5, {}, [
    readOf(1, 0, 50, SLOW),
    { at: 200, kind: 'write', process: 0, entry: 0, by: 'key' },
    ...reads(1, 600, 700),
  ]),
  hardCase('a pattern reaches what is being loaded and is not there yet', 10, {}, [
    readOf(1, 0, 50, SLOW),
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'pattern' },
    ...reads(1, 600, 700),
  ]),
  hardCase('what a pattern removed and a server forgets is removed again', 5, {}, [
    ...reads(1, 10),
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'pattern' },
    { at: 200, kind: 'restart server', forMs: 20, forgetMs: 150, skewMs: 0 },
    ...reads(1, 1200, 1300),
  ]),
  hardCase('a server forgets, while a pattern is under way, what that has removed already', 20, {}, [
    readOf(1, 0, 50, { ...QUICK, ms: 1300 }),
    { at: 99, kind: 'slow', process: 0, ms: 40, forMs: 100 },
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'pattern' },
    { at: 145, kind: 'restart server', forMs: 20, forgetMs: 60, skewMs: 0 },
    ...reads(1, 1500, 1600),
  ]),
  hardCase('a process hears of its own invalidation later than it is confirmed', 15, { l1: true }, [
    ...reads(0, 10, 40, 70),
    { at: 100, kind: 'slow', process: 0, ms: 40, forMs: 8 },
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'key' },
    ...reads(0, 110, 115, 120, 125, 130, 135),
  ]),
  hardCase('a process hears of its own invalidation by a tag later than it is confirmed', 15, { l1: true }, [
    ...reads(0, 10, 40, 70),
    { at: 100, kind: 'slow', process: 0, ms: 40, forMs: 8 },
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'own tag' },
    ...reads(0, ...Array.from({ length: 20 }, (_, n) => 102 + 3 * n)),
  ]),
  hardCase('an absence, of whose end nobody is told, ends in every process', 5, { l1: true, ageing: LASTING }, [
    ...[10, 30, 50, 70].map((at): Step => ({ at, kind: 'write', process: 0, entry: 0, by: 'key' })),
    ...reads(1, 100, 140, 180),
    { at: 220, kind: 'write', process: 0, entry: 0, by: 'key' },
    ...reads(1, 700, 900, 1200),
  ]),
  hardCase('a process hears of what its own pattern removed later than that is confirmed', 15, { l1: true }, [
    ...reads(0, 10, 40, 70),
    { at: 100, kind: 'write', process: 0, entry: 0, by: 'pattern' },
    { at: 104, kind: 'slow', process: 0, ms: 60, forMs: 12 },
    ...reads(0, ...Array.from({ length: 25 }, (_, n) => 110 + 4 * n)),
  ]),
];
