import { LATE_MS, unlessAnswered } from './patience.js';

describe('unlessAnswered', () => {
  it('acts when the time is up, unless it was called off', async () => {
    const acts: string[] = [];
    const acted = new Promise<void>((resolve) => unlessAnswered(30, resolve));
    unlessAnswered(5, () => acts.push('called off'))();
    await acted;
    expect(acts).toEqual([]);
  });

  it('waits anew where this process was held up', async () => {
    let acts = 0;
    const acted = new Promise<void>((resolve) =>
      unlessAnswered(100, () => {
        acts += 1;
        resolve();
      }),
    );
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100 + 2 * LATE_MS);
    await new Promise(setImmediate);
    expect(acts).toBe(0);
    await acted;
  });
});
