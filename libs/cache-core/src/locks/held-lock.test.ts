import { keyspace } from '../keyspace/keyspace.js';
import { RedisUnavailableError } from '../redis/errors.js';
import { HeldLock } from './held-lock.js';
import { LockLostError } from './lock-errors.js';
import type { LockEvent } from './lock-observer.js';
import type { Extended, LockTable } from './lock-table.js';

const TTL_MS = 30_000;

/** Redis, as far as a holder asks it. */
class TestTable {
  readonly asked: string[] = [];
  answer: () => Promise<Extended> = () => Promise.resolve({ kind: 'held', expiresAtMs: 1, token: null });

  extend(): Promise<Extended> {
    this.asked.push(`extend at ${performance.now()}`);
    return this.answer();
  }

  release(): Promise<'released'> {
    this.asked.push(`release at ${performance.now()}`);
    return Promise.resolve('released');
  }
}

describe('a held lock', () => {
  let table: TestTable;
  let events: LockEvent[];

  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
    table = new TestTable();
    events = [];
  });
  afterEach(() => jest.useRealTimers());

  const held = (sentAtMs = performance.now(), renew = true): HeldLock =>
    new HeldLock(
      table as unknown as LockTable,
      { ref: keyspace.lockNamed.at({ name: 'x' }), owner: 'o', ttlMs: TTL_MS, token: null, sentAtMs, expiresAtMs: 0 },
      { lock: (_family, event) => void events.push(event) },
      renew,
    );
  const away = (): Promise<never> => Promise.reject(new RedisUnavailableError('timeout', 'state'));

  test('is prolonged each third of its time, and no more once it is released', async () => {
    const lock = held();
    await jest.advanceTimersByTimeAsync(65_000);
    expect(lock.held).toBe(true);
    await lock.release();
    await lock.release();
    await jest.advanceTimersByTimeAsync(600_000);
    const at = [10, 20, 30, 40, 50, 60].map((second) => `extend at ${second * 1000}`);
    expect(table.asked).toEqual([...at, 'release at 65000']);
    expect(lock.signal.aborted).toBe(false);
  });

  test('that is not to be prolonged ends with its time', async () => {
    const lock = held(performance.now(), false);
    await jest.advanceTimersByTimeAsync(TTL_MS - 1);
    expect(lock.held).toBe(true);
    await jest.advanceTimersByTimeAsync(1);
    expect(lock.signal.reason).toMatchObject({ code: 'lock_lost', how: 'expired' });
    expect(table.asked).toEqual([]);
  });

  test('has its time counted from before the command was sent, however late the answer comes', async () => {
    const lock = held(performance.now() - 12_000, false);
    await jest.advanceTimersByTimeAsync(TTL_MS - 12_000);
    expect(lock.held).toBe(false);
  });

  test('is not prolonged by the answer to a command whose time is over', async () => {
    const answered = Promise.withResolvers<Extended>();
    table.answer = () => answered.promise;
    const lock = held();
    await jest.advanceTimersByTimeAsync(TTL_MS);
    expect(lock.held).toBe(false);
    answered.resolve({ kind: 'held', expiresAtMs: 99_000, token: null });
    await jest.advanceTimersByTimeAsync(0);
    expect(lock.held).toBe(false);
    expect(events).toEqual(['lost']);
  });

  test('is over for a process that was stopped, before any timer has run', () => {
    const lock = held();
    jest.setSystemTime(TTL_MS);
    const now = jest.spyOn(performance, 'now').mockReturnValue(TTL_MS);
    expect(() => lock.assertHeld()).toThrow(LockLostError);
    now.mockRestore();
  });

  test('is tried for again while it is unknown whether it was prolonged, until its time is over', async () => {
    table.answer = away;
    const lock = held();
    await jest.advanceTimersByTimeAsync(TTL_MS - 1);
    expect(lock.held).toBe(true);
    expect(table.asked.length).toBe(80);
    await jest.advanceTimersByTimeAsync(1);
    expect(lock.held).toBe(false);
    expect(new Set(events)).toEqual(new Set(['unconfirmed', 'lost']));
  });

  test('survives an interruption that ends before its time does', async () => {
    table.answer = away;
    const lock = held();
    await jest.advanceTimersByTimeAsync(29_000);
    table.answer = () => Promise.resolve({ kind: 'held', expiresAtMs: 1, token: null });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(lock.held).toBe(true);
  });

  test('that is somebody else’s by now is lost at once', async () => {
    table.answer = () => Promise.resolve({ kind: 'other' });
    const lock = held();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(lock.signal.reason).toMatchObject({ how: 'taken' });
    await jest.advanceTimersByTimeAsync(600_000);
    expect(table.asked).toHaveLength(1);
  });
});
