import { Freshly } from './freshly.js';

describe('Freshly', () => {
  let now: number;

  beforeEach(() => {
    now = 0;
  });

  function counting(fail: (asked: number) => boolean = () => false) {
    let asked = 0;
    return new Freshly(
      500,
      async () => {
        asked += 1;
        if (fail(asked)) throw new Error(`no answer ${asked}`);
        return asked;
      },
      () => now,
    );
  }

  it('asks once for callers that come together', async () => {
    const subject = counting();
    expect(await Promise.all([subject.get(), subject.get(), subject.get()])).toEqual([1, 1, 1]);
  });

  it('keeps an answer for as long as it is fresh, and no longer', async () => {
    const subject = counting();
    expect(await subject.get()).toBe(1);
    now = 500;
    expect(await subject.get()).toBe(1);
    now = 501;
    expect(await subject.get()).toBe(2);
  });

  it('asks again after a failure has grown old', async () => {
    const subject = counting((asked) => asked === 1);
    await expect(subject.get()).rejects.toThrow('no answer 1');
    await expect(subject.get()).rejects.toThrow('no answer 1');
    now = 501;
    expect(await subject.get()).toBe(2);
  });
});
