import { LoadBound } from './load-bound.js';

describe('the bound on loads', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  /** A piece of work that ends when it is told to. */
  function work() {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    return { run: jest.fn(() => promise), resolve, reject };
  }

  test('lets so many run at once, and the others in the order in which they came', async () => {
    const bound = new LoadBound('app.value', { maxConcurrent: 2, maxQueued: 10, maxWaitMs: 1000 });
    const all = [work(), work(), work(), work()];
    const results = all.map(({ run }) => bound.run(run));
    expect(all.map(({ run }) => run.mock.calls.length)).toEqual([1, 1, 0, 0]);
    all[1]?.reject(new Error('no'));
    await expect(results[1]).rejects.toThrow('no');
    await jest.advanceTimersByTimeAsync(0);
    expect(all.map(({ run }) => run.mock.calls.length)).toEqual([1, 1, 1, 0]);
    for (const { resolve } of all) resolve('done');
    await expect(Promise.all([results[0], results[2], results[3]])).resolves.toEqual(['done', 'done', 'done']);
    expect(bound.running).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('refuses whoever finds the queue full, and whoever waits too long, without beginning his work', async () => {
    const bound = new LoadBound('app.value', { maxConcurrent: 1, maxQueued: 1, maxWaitMs: 1000 });
    const [first, second, third, fourth] = [work(), work(), work(), work()];
    const running = bound.run(first.run);
    const waiting = bound.run(second.run).catch((error: unknown) => error);
    await expect(bound.run(third.run)).rejects.toThrow(
      expect.objectContaining({ code: 'loads_exhausted', why: 'queue_full' }),
    );
    await jest.advanceTimersByTimeAsync(1000);
    expect(await waiting).toMatchObject({ code: 'loads_exhausted', why: 'waited_too_long', family: 'app.value' });
    first.resolve('done');
    await running;
    expect(second.run).not.toHaveBeenCalled();
    expect(third.run).not.toHaveBeenCalled();
    fourth.resolve('after');
    await expect(bound.run(fourth.run)).resolves.toBe('after');
    expect(bound.running).toBe(0);
  });

  test('that nothing can pass is refused', () => {
    expect(() => new LoadBound('f', { maxConcurrent: 0, maxQueued: 0, maxWaitMs: 0 })).toThrow(RangeError);
    expect(() => new LoadBound('f', { maxConcurrent: Number.NaN, maxQueued: 0, maxWaitMs: 0 })).toThrow(RangeError);
  });
});
