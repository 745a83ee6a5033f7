import { RedisUnavailableError, type RedisLink, type RedisRoles, type Script } from '@promptsales/cache-core';
import { actionWindow, clientMinute, Limiter, serviceMinute, type Counter, type Limit } from '@promptsales/limits';
import fc from 'fast-check';
import { runScript } from '../src/redis/lua.js';
import { Failure, type Reply } from '../src/redis/reply.js';
import { SimulatedRedis } from '../src/redis/server.js';
import { VirtualTime } from '../src/time/virtual-time.js';

/** What becomes of a script on its way: it runs; it never arrives; it runs and nobody hears of it. */
type Way = 'well' | 'away' | 'timeout';

/** The limiter's own scripts on a Redis whose clock the test moves. */
class Stage {
  readonly server = new SimulatedRedis(new VirtualTime(1));
  /** For the scripts that take, one after another; all others go well. */
  ways: Way[] = [];
  taken = 0;
  readonly #link: Partial<RedisLink>;
  readonly #limiters: Limiter[] = [];

  constructor(
    readonly clustered: boolean,
    /** By how much the processes' idea of Redis's clock is off. */
    private readonly offMs = 0,
  ) {
    this.#link = {
      name: 'ratelimit',
      clustered,
      now: () => this.now + this.offMs,
      untilScriptsExpire: () => Promise.resolve(),
      run: async (script, keys, args) => this.#run(script, keys, args),
    };
  }

  get now(): number {
    return Math.floor(this.server.now());
  }

  pass(ms: number): void {
    this.server.skewMs += ms;
  }

  limiter(): Limiter {
    const roles = { link: () => this.#link } as unknown as RedisRoles;
    const limiter = new Limiter(roles, { monotonic: () => this.now });
    this.#limiters.push(limiter);
    return limiter;
  }

  end(): void {
    for (const limiter of this.#limiters) limiter.close();
  }

  countAt(counter: Counter): number {
    const { windowMs, sliding, subject } = counter;
    const { key } = counter.keyAt(sliding ? Math.floor(this.now / windowMs) * windowMs : 0);
    const physical = this.clustered ? key.replace(`:${subject}:`, `:{${subject}}:`) : key;
    const held = this.server.data.get(physical);
    return held?.value.type === 'string' ? Number(held.value.bytes.toString()) : 0;
  }

  async #run(script: Script, keys: readonly string[], args: readonly unknown[]): Promise<unknown> {
    if (script.name === 'ps_be_present') return 1;
    const takes = script.name === 'ps_take_limits';
    const way = (takes ? this.ways.shift() : undefined) ?? 'well';
    await Promise.resolve();
    if (way === 'away') throw new RedisUnavailableError('away', 'ratelimit');
    if (takes) this.taken += 1;
    // Redis's Lua has no integers: the interpreter's would overflow.
    const all = [this.now + 1000, ...args].map((one) =>
      Buffer.from(typeof one === 'number' ? one.toFixed(1) : String(one)),
    );
    const names = keys.map((key) => Buffer.from(key));
    const run = (): Reply =>
      runScript(script.lua, names, all, ([name, ...given]) => this.server.call(String(name).toUpperCase(), given));
    const reply = run();
    // Whoever gives back does so until he knows that it is done.
    if (!takes) run();
    if (reply instanceof Failure) throw new Error(reply.message);
    if (way === 'timeout') throw new RedisUnavailableError('timeout', 'ratelimit');
    return reply;
  }
}

/** The rule as the documentation says it, over a log of what was admitted. */
class Model {
  readonly #admitted = new Map<string, { readonly at: number; readonly cost: number }[]>();
  readonly #begun = new Map<string, number>();

  take(limits: readonly Limit[], cost: number, now: number): boolean {
    const fits = limits.every((limit) => this.#weight(limit, now) + cost <= (limit.most ?? Number.POSITIVE_INFINITY));
    if (!fits) return false;
    for (const { counter } of limits) {
      const name = counter.keyAt(0).key;
      if (!counter.sliding && cost > 0 && now >= (this.#begun.get(name) ?? -1) + counter.windowMs)
        this.#begun.set(name, now);
      this.#logOf(counter).push({ at: now, cost });
    }
    return true;
  }

  /** The greatest sum over any stretch of a window's length. */
  mostOver(counter: Counter): number {
    const log = this.#logOf(counter);
    return Math.max(
      0,
      ...log.map(({ at }) => sum(log.filter((one) => one.at >= at && one.at < at + counter.windowMs))),
    );
  }

  #weight({ counter }: Limit, now: number): number {
    const { windowMs, sliding, family } = counter;
    const log = this.#logOf(counter);
    if (!sliding) {
      const began = this.#begun.get(counter.keyAt(0).key) ?? Number.NEGATIVE_INFINITY;
      return now < began + windowMs ? sum(log.filter(({ at }) => at >= began)) : 0;
    }
    const begins = Math.floor(now / windowMs) * windowMs;
    const before = log.filter(({ at }) => at >= begins - windowMs && at < begins);
    // `window + 1` seconds after it was counted last, a bucket of any action is gone.
    const last = Math.max(...before.filter(({ cost }) => cost > 0).map(({ at }) => at));
    const gone = family.id === 'ratelimit.action' && now >= last + windowMs + 1000;
    const weight = gone ? 0 : (sum(before) * (begins + windowMs - now)) / windowMs;
    return weight + sum(log.filter(({ at }) => at >= begins));
  }

  #logOf(counter: Counter): { readonly at: number; readonly cost: number }[] {
    const name = counter.keyAt(0).key;
    const log = this.#admitted.get(name) ?? [];
    this.#admitted.set(name, log);
    return log;
  }
}

function sum(log: readonly { readonly cost: number }[]): number {
  return log.reduce((all, { cost }) => all + cost, 0);
}

const limitOf = (counter: Counter, most: number | null): Limit => ({ name: 'one', counter, most, onOutage: 'open' });
/** Windows of both kinds, of which a fast stretch passes many. */
const LIMITS = [
  limitOf(clientMinute('crm', 'mcp', 'default'), 8),
  limitOf(actionWindow('crm', '@test', 3600, 'default'), 20),
  limitOf(actionWindow('crm', '@burst', 1, 'default'), 3),
  limitOf(serviceMinute('crm'), 6),
  limitOf(actionWindow('web', '@test', 30), 5),
  limitOf(actionWindow('web', '@counted', 60), null),
];
const COUNTERS = LIMITS.map(({ counter }) => counter);

const some = fc.subarray(LIMITS, { minLength: 1 });
const waits = fc.oneof(fc.constant(0), fc.nat(1500), fc.nat(40_000), fc.nat(4_000_000));
const steps = fc.array(fc.record({ waitMs: waits, limits: some, cost: fc.nat(3) }), { minLength: 1, maxLength: 60 });

describe('limits, whatever is asked and when', () => {
  test('trap 24: are taken as documented whatever the clocks of processes say: all or none, at most twice a limit over any stretch', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), fc.integer({ min: -900, max: 900 }), async (sequence, clustered, offMs) => {
        const stage = new Stage(clustered, offMs);
        const model = new Model();
        for (const { waitMs, limits, cost } of sequence) {
          stage.pass(waitMs);
          // One that remembers nothing, so that it is Redis who decides.
          const limiter = stage.limiter();
          const { allowed, states } = await limiter.take(limits, cost);
          await limiter.settled();
          expect(allowed).toBe(model.take(limits, cost, stage.now));
          if (!allowed) expect(states.some(({ retryAfterMs }) => retryAfterMs > 0)).toBe(true);
        }
        stage.end();
        for (const { counter, most } of LIMITS) {
          if (most !== null) expect(model.mostOver(counter)).toBeLessThanOrEqual(2 * most);
        }
      }),
      { numRuns: 120 },
    );
  });

  test('that are remembered as denied admit nothing too soon, and cost no call', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const stage = new Stage(false);
        const limiter = stage.limiter();
        const model = new Model();
        for (const { waitMs, limits, cost } of sequence) {
          stage.pass(waitMs);
          const verdict = await limiter.take(limits, cost);
          if (verdict.allowed) {
            expect(model.take(limits, cost, stage.now)).toBe(true);
            continue;
          }
          const calls = stage.taken;
          stage.pass(Math.max(0, verdict.retryAfterMs - 1));
          await limiter.take(limits, cost);
          expect(stage.taken).toBe(calls);
          stage.pass(1);
          expect((await limiter.take(limits, cost)).allowed).toBe(true);
          expect(model.take(limits, cost, stage.now)).toBe(true);
        }
        stage.end();
      }),
      { numRuns: 60 },
    );
  });

  test('of several slots give back what one of them denied, or nobody knows of, exactly once', async () => {
    const plans = fc.array(fc.constantFrom<Way>('well', 'well', 'well', 'away', 'timeout'), { maxLength: 200 });
    const taken = fc.array(fc.record({ limits: some, cost: fc.integer({ min: 1, max: 3 }) }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(taken, plans, async (sequence, planned) => {
        const stage = new Stage(true);
        stage.pass(60_000 - (stage.now % 60_000));
        const limiter = stage.limiter();
        const expected = new Map(COUNTERS.map((counter) => [counter, 0]));
        for (const { limits, cost } of sequence) {
          const slots = Map.groupBy(limits, ({ counter }) => counter.subject);
          stage.ways = planned.splice(0, slots.size);
          const ways = [...stage.ways];
          const calls = stage.taken;
          const { allowed } = await limiter.take(limits, cost);
          await limiter.settled();
          const wasAsked = stage.taken > calls || ways.includes('away');
          [...slots.values()].forEach((slot, at) => {
            const way = ways[at] ?? 'well';
            // Where one slot is all there is, nothing is given back.
            const counts = way === 'well' ? allowed : way === 'timeout' && slots.size === 1 ? null : false;
            for (const { counter } of slot) {
              const before = expected.get(counter) ?? 0;
              const now = stage.countAt(counter);
              if (counts === null) expect([before, before + cost]).toContain(now);
              else expect(now).toBe(before + (counts && wasAsked ? cost : 0));
              expected.set(counter, now);
            }
          });
        }
        stage.end();
      }),
      { numRuns: 100 },
    );
  });
});
