import { within } from './within.js';

describe('within', () => {
  it('gives up on a question that is not answered', async () => {
    await expect(within(new Promise(() => undefined), 20)).rejects.toThrow('no answer within 20 ms');
  });

  it('hears an answer that came while this process was held up', async () => {
    // Timers are heard before what has come from elsewhere.
    const answer = new Promise((resolve) => setImmediate(() => setImmediate(() => resolve('here'))));
    const asked = within(answer, 40);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    expect(await asked).toBe('here');
  });
});
