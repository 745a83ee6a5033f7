import { RedisUnavailableError } from '../redis/errors.js';
import { Breaker, type Permit } from './breaker.js';
import { BreakerOpenError } from './breaker-errors.js';
import { breakerSettings } from './breaker-settings.js';
import type { CallOutcome } from './call-outcome.js';
import type { SharedBreaker, SharedState } from './shared-breaker.js';

const settings = breakerSettings({
  consecutiveFailures: 3,
  firstOpenMs: 1000,
  mostOpenMs: 3000,
  probeLeaseMs: 5000,
});

/** Redis, as far as the breaker asks it; by default it is away. */
class TestShared {
  readonly asked: string[] = [];
  answers: Partial<Record<'look' | 'trip' | 'probe' | 'settle', () => SharedState>> = {};

  readonly look = (): Promise<SharedState> => this.#answer('look');
  trip: (...args: unknown[]) => Promise<SharedState> = () => this.#answer('trip');
  readonly probe = (): Promise<SharedState> => this.#answer('probe');
  settle = (): Promise<SharedState> => this.#answer('settle');

  #answer(what: 'look' | 'trip' | 'probe' | 'settle'): Promise<SharedState> {
    this.asked.push(what);
    const answer = this.answers[what];
    return answer === undefined
      ? Promise.reject(new RedisUnavailableError('away', 'state'))
      : Promise.resolve(answer());
  }
}

const state = (more: Partial<SharedState>): SharedState => ({
  done: false,
  status: 'closed',
  epoch: 0,
  waitMs: 0,
  opens: 0,
  probe: '',
  failures: 0,
  lastFailure: null,
  nextCheck: null,
  ...more,
});

describe('a breaker', () => {
  let now: number;
  let shared: TestShared;
  let breaker: Breaker;
  let changes: string[];

  beforeEach(() => {
    jest.useFakeTimers();
    now = 0;
    shared = new TestShared();
    changes = [];
    breaker = new Breaker(
      'openai',
      shared as unknown as SharedBreaker,
      settings,
      { changed: (_service, status) => void changes.push(status) },
      { now: () => now, random: () => 0.5 },
    );
  });

  afterEach(() => {
    breaker.close();
    jest.useRealTimers();
  });

  const told = async (...outcomes: CallOutcome[]): Promise<void> => {
    for (const outcome of outcomes) (await breaker.enter()).settle(outcome);
    await settled();
  };
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  const opened = (): Promise<void> => told('failure', 'failure', 'failure');
  const refusal = async (): Promise<BreakerOpenError> => {
    const error = await breaker.enter().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BreakerOpenError);
    return error as BreakerOpenError;
  };

  test('closed, neither a call nor a success asks Redis anything', async () => {
    await told(...Array.from({ length: 100 }, () => 'success' as const));
    expect(shared.asked).toEqual([]);
  });

  test('opens after failures in a row, and says when to try again', async () => {
    await opened();
    expect(await refusal()).toMatchObject({ code: 'breaker_open', service: 'openai', retryAfterSeconds: 1 });
    expect(shared.asked).toContain('trip');
  });

  test.each(['neutral', 'unknown'] as const)(
    'never opens by what is %s, and counts it for nothing',
    async (outcome) => {
      await told(...Array.from({ length: 50 }, () => outcome));
      await told('failure', outcome, 'failure', outcome, 'failure');
      expect(breaker.view.status).toBe('open');
    },
  );

  test('stays open for as long as the service asks, within bounds', async () => {
    await told('failure', 'failure');
    (await breaker.enter()).settle('failure', 2500);
    expect(breaker.view.waitMs).toBe(2500);
  });

  test('does not stay open for longer than its bound, whatever the service asks', async () => {
    await told('failure', 'failure');
    (await breaker.enter()).settle('failure', 3_600_000);
    expect(breaker.view.waitMs).toBe(3000);
  });

  test('lets one caller probe when the time is over, refuses the others, and closes when he succeeds', async () => {
    await opened();
    now += 1000;
    const [probe, ...others] = await Promise.allSettled([breaker.enter(), breaker.enter(), breaker.enter()]);
    expect(probe).toMatchObject({ status: 'fulfilled', value: { probe: true } });
    expect(others.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await refusal();
    (probe as PromiseFulfilledResult<Permit>).value.settle('success');
    expect(await breaker.enter()).toMatchObject({ probe: false });
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });

  test('opens for twice as long with each probe that fails, up to the bound', async () => {
    await opened();
    const waits: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      waits.push(breaker.view.waitMs);
      now += breaker.view.waitMs;
      (await breaker.enter()).settle('failure');
      await settled();
    }
    expect(waits).toEqual([1000, 2000, 3000, 3000]);
  });

  test('a probe that a caller’s own mistake answers closes it: the service is there', async () => {
    await opened();
    now += 1000;
    (await breaker.enter()).settle('neutral');
    expect(breaker.view.status).toBe('closed');
  });

  test('a probe that is told to wait keeps it open for that long, and no longer the next time', async () => {
    await opened();
    now += 1000;
    (await breaker.enter()).settle('neutral', 1500);
    expect(breaker.view).toMatchObject({ status: 'open', waitMs: 1500 });
    now += 1500;
    (await breaker.enter()).settle('failure');
    expect(breaker.view.waitMs).toBe(2000);
  });

  test('a probe that decided nothing leaves the next one to the next caller', async () => {
    await opened();
    now += 1000;
    (await breaker.enter()).settle('unknown');
    await settled();
    expect(await breaker.enter()).toMatchObject({ probe: true });
  });

  test('a prober that never says what came of it costs its lease', async () => {
    await opened();
    now += 1000;
    const dead = await breaker.enter();
    now += 4999;
    await refusal();
    now += 1;
    const next = await breaker.enter();
    expect(next.probe).toBe(true);
    dead.settle('success');
    expect(breaker.view.status).toBe('half-open');
    next.settle('failure');
    expect(breaker.view.status).toBe('open');
  });

  test('results of calls that began in an earlier state are ignored', async () => {
    const late = await Promise.all([breaker.enter(), breaker.enter(), breaker.enter()]);
    await opened();
    now += 1000;
    const probe = await breaker.enter();
    late[0]?.settle('success');
    expect(breaker.view.status).toBe('half-open');
    probe.settle('success');
    for (const permit of late) permit.settle('failure');
    expect(breaker.view.status).toBe('closed');
    await told('failure', 'failure');
    expect(breaker.view.status).toBe('closed');
  });

  test('a permit counts once', async () => {
    const permit = await breaker.enter();
    for (let time = 0; time < 10; time += 1) permit.settle('failure');
    expect(breaker.view.status).toBe('closed');
  });

  test('older news than what it found out itself is none', async () => {
    shared.answers.look = () => state({ status: 'closed', epoch: 5 });
    await breaker.look();
    await opened();
    await breaker.look();
    expect(breaker.view).toMatchObject({ status: 'open', alone: true });
    shared.answers.look = () => state({ status: 'closed', epoch: 6 });
    await breaker.look();
    expect(breaker.view).toMatchObject({ status: 'closed', alone: false });
  });

  test('hears of an opening elsewhere at its first failure, should the ring be lost', async () => {
    shared.answers.look = () => state({ status: 'open', epoch: 7, waitMs: 400, opens: 1 });
    await told('failure');
    expect(breaker.view).toMatchObject({ status: 'open', waitMs: 400 });
  });

  test('looks at its pace while it is not closed, and not at all when it is', async () => {
    await opened();
    shared.asked.length = 0;
    await jest.advanceTimersByTimeAsync(5500);
    expect(shared.asked).toEqual(['look', 'look', 'look', 'look', 'look']);
    shared.answers.look = () => state({ status: 'closed', epoch: 9 });
    await jest.advanceTimersByTimeAsync(1000);
    expect(breaker.view.status).toBe('closed');
    shared.asked.length = 0;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(shared.asked).toEqual([]);
  });

  test('what it found out without Redis ends with a probe of its own, also when the others never noticed', async () => {
    await opened();
    now += 1000;
    shared.answers.probe = () => state({ status: 'closed', epoch: 0 });
    shared.answers.settle = () => state({ status: 'closed', epoch: 0 });
    const probe = await breaker.enter();
    expect(probe.probe).toBe(true);
    probe.settle('success');
    await settled();
    expect(breaker.view).toMatchObject({ status: 'closed', alone: false });
  });

  test('a failed probe that was made without Redis opens it for the others, once Redis is there', async () => {
    await opened();
    now += 1000;
    const probe = await breaker.enter();
    shared.answers.settle = () => state({ status: 'closed', epoch: 0 });
    shared.answers.trip = () => state({ done: true, status: 'open', epoch: 3, waitMs: 2000, opens: 1 });
    probe.settle('failure');
    await settled();
    expect(breaker.view).toEqual({ service: 'openai', status: 'open', waitMs: 2000, alone: false });
  });

  test('the number that Redis gives a state of ours does not make calls of that state late', async () => {
    await opened();
    now += 1000;
    shared.answers.probe = () => state({ done: true, status: 'half-open', epoch: 8, waitMs: 5000, opens: 1 });
    shared.answers.settle = () => state({ done: true, status: 'closed', epoch: 9 });
    (await breaker.enter()).settle('success');
    const permits = await Promise.all([breaker.enter(), breaker.enter(), breaker.enter()]);
    await settled();
    for (const permit of permits) permit.settle('failure');
    expect(breaker.view.status).toBe('open');
  });

  test('what it finds out while Redis is told of the state before is told after it, and stands', async () => {
    await opened();
    now += 1000;
    const answered = Promise.withResolvers<SharedState>();
    const trips: unknown[][] = [];
    shared.answers.probe = () => state({ done: true, status: 'half-open', epoch: 8, waitMs: 5000, opens: 1 });
    shared.settle = () => answered.promise;
    shared.trip = (...args: unknown[]) => {
      trips.push(args);
      return Promise.resolve(state({ done: true, status: 'open', epoch: 10, waitMs: 900, opens: 1 }));
    };
    (await breaker.enter()).settle('success');
    await opened();
    expect(breaker.view.status).toBe('open');
    expect(trips).toEqual([]);
    answered.resolve(state({ done: true, status: 'closed', epoch: 9 }));
    await settled();
    expect(trips).toEqual([[9, 3, 1000]]);
    expect(breaker.view).toMatchObject({ status: 'open', waitMs: 900, alone: false });
  });

  test('run counts errors as failures unless told otherwise, and passes results and errors on', async () => {
    expect(await breaker.run(async () => 'answer')).toBe('answer');
    const fail = (): Promise<never> => Promise.reject(new Error('refused'));
    for (let time = 0; time < 10; time += 1) {
      await expect(breaker.run(fail, () => 'neutral')).rejects.toThrow('refused');
    }
    for (let time = 0; time < 3; time += 1) await expect(breaker.run(fail)).rejects.toThrow('refused');
    await expect(breaker.run(fail)).rejects.toBeInstanceOf(BreakerOpenError);
  });
});
