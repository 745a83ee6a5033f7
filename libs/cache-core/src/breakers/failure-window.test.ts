import fc from 'fast-check';
import { breakerSettings } from './breaker-settings.js';
import { FailureWindow } from './failure-window.js';

const settings = breakerSettings({ windowMs: 1000, minimumCalls: 8, failureRatio: 0.5, consecutiveFailures: 5 });

describe('the window of failures', () => {
  it('says tripped exactly when its stretch of time holds enough of them', () => {
    const call = fc.record({ after: fc.integer({ min: 0, max: 400 }), failed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
        const window = new FailureWindow(settings);
        const log: { stretch: number; failed: boolean }[] = [];
        let now = 0;
        for (const { after, failed } of calls) {
          now += after;
          log.push({ stretch: Math.floor(now / 100), failed });
          if (failed) window.failed(now);
          else window.succeeded(now);
          const counted = log.filter(({ stretch }) => stretch > Math.floor(now / 100) - 10);
          const failures = counted.filter((one) => one.failed).length;
          const inARow = log.length - 1 - log.findLastIndex((one) => !one.failed);
          const expected = Math.min(inARow, failures) >= 5 || (counted.length >= 8 && failures >= counted.length * 0.5);
          expect(window.tripped(now)).toBe(expected);
          expect(window.failures(now)).toBe(failures);
        }
      }),
    );
  });

  it('begins anew after a reset', () => {
    const window = new FailureWindow(settings);
    for (let n = 0; n < 5; n += 1) window.failed(0);
    expect(window.tripped(0)).toBe(true);
    window.reset();
    expect(window.tripped(0)).toBe(false);
    window.failed(0);
    expect(window.failures(0)).toBe(1);
  });
});

it.each([
  [{ windowMs: 0 }],
  [{ minimumCalls: Number.NaN }],
  [{ failureRatio: 1.5 }],
  [{ firstOpenMs: 10, mostOpenMs: 5 }],
])('settings that cannot work are refused: %j', (given) => {
  expect(() => breakerSettings(given)).toThrow(RangeError);
});
