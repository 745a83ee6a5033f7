import { Pace } from './pace.js';

const MINUTE_MS = 60_000;

function secondsOf(bytesPerSecond: number, most: number): number {
  const pace = new Pace(10 * MINUTE_MS);
  let seconds = 0;
  for (; pace.leftMs > 0 && seconds < most; seconds += 10) pace.waited(10_000, bytesPerSecond * 10);
  return seconds;
}

describe('the pace of a body', () => {
  it('ends what trickles soon after its time of grace', () => {
    expect(secondsOf(0.1, 100_000)).toBe(610);
    expect(secondsOf(8 * 1024, 100_000)).toBe(1200);
  });

  it('lets a long body take as long as it takes', () => {
    expect(secondsOf(16 * 1024, 1_000_000)).toBe(1_000_000);
  });

  it('is no bound for what has all the time that there is', () => {
    const pace = new Pace(Number.POSITIVE_INFINITY);
    pace.waited(100 * MINUTE_MS, 1);
    expect(pace.leftMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not count in which nobody waits', () => {
    const pace = new Pace(1000);
    pace.waited(999, 0);
    expect(pace.leftMs).toBe(1);
    pace.waited(5, 0);
    expect(pace.leftMs).toBe(0);
  });
});
