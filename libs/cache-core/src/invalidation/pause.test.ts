import { pause } from './pause.js';

describe('a pause', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('ends when its time is over', async () => {
    const paused = pause(250, new AbortController().signal);
    await jest.advanceTimersByTimeAsync(250);
    await expect(paused).resolves.toBeUndefined();
  });

  test('ends at once with what its signal says, and does not begin when that has been said', async () => {
    const over = new AbortController();
    const paused = pause(250, over.signal);
    over.abort(new Error('stop'));
    await expect(paused).rejects.toThrow('stop');
    expect(jest.getTimerCount()).toBe(0);
    await expect(pause(250, over.signal)).rejects.toThrow('stop');
  });
});
