import { Deadlines } from './deadlines.js';

describe('deadlines', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const timedOut = (): Error => new Error('timed out');

  test('a result in time is passed on, an error too', async () => {
    const deadlines = new Deadlines(25);
    await expect(deadlines.race(Promise.resolve(1), 100, timedOut)).resolves.toBe(1);
    await expect(deadlines.race(Promise.reject(new Error('no')), 100, timedOut)).rejects.toThrow('no');
  });

  test('never earlier than said, at most two ticks later', async () => {
    const deadlines = new Deadlines(25);
    let expired = false;
    const race = deadlines.race(new Promise(() => {}), 100, timedOut).catch(() => (expired = true));
    await jest.advanceTimersByTimeAsync(100);
    expect(expired).toBe(false);
    await jest.advanceTimersByTimeAsync(50);
    expect(expired).toBe(true);
    await race;
  });

  test('keeps no timer when nothing is pending', async () => {
    const deadlines = new Deadlines(25);
    await deadlines.race(Promise.resolve(), 100, timedOut);
    await jest.advanceTimersByTimeAsync(25);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('holds many deadlines, each for its own time', async () => {
    const deadlines = new Deadlines(25);
    const expired: number[] = [];
    for (const ms of [500, 100, 300, 100]) {
      deadlines.race(new Promise(() => {}), ms, timedOut).catch(() => expired.push(ms));
    }
    await jest.advanceTimersByTimeAsync(600);
    expect(expired).toEqual([100, 100, 300, 500]);
  });

  test('refuses a deadline longer than the ring', () => {
    expect(() => new Deadlines(25).race(Promise.resolve(), 60_000, timedOut)).toThrow(RangeError);
  });
});
