import { RedisClock, timeReplyToMs } from './clock.js';

describe('the clock of Redis', () => {
  test('is this machine’s until the first sample', () => {
    const before = Date.now();
    const now = new RedisClock().now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });

  test('trusts the sample with the shortest round trip', () => {
    let local = 0;
    const clock = new RedisClock(() => local);
    clock.sample(0, 100, 10_000); // off by at most 50
    clock.sample(200, 202, 10_171); // off by at most 1
    clock.sample(300, 380, 10_300);
    local = 1000;
    expect(clock.now()).toBe(10_970);
  });

  test('follows a clock that was set: samples age out', () => {
    const clock = new RedisClock(() => 0);
    clock.sample(0, 1, 1_000_000);
    for (let n = 0; n < 8; n += 1) clock.sample(0, 2, 5_000_000);
    expect(clock.now()).toBe(4_999_999);
  });

  test('forgets the last server’s time', () => {
    const clock = new RedisClock(() => 0);
    clock.sample(0, 0, 5);
    clock.reset();
    expect(clock.now()).toBeGreaterThan(1_600_000_000_000);
  });

  test('reads the reply of TIME', () => {
    expect(timeReplyToMs(['1700000000', '123456'])).toBe(1_700_000_000_123.456);
  });
});
