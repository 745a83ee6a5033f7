import * as fc from 'fast-check';
import { formatUsd, parseUsd } from './money.js';

describe('money', () => {
  it.each([
    [0n, '0'],
    [1n, '0.000000001'],
    [150_000n, '0.00015'],
    [1_000_000_000n, '1'],
    [12_345_678_901_234_567_890n, '12345678901.23456789'],
    [-1_500_000_000n, '-1.5'],
  ])('%s nano-dollars are %s USD', (nano, usd) => {
    expect(formatUsd(nano)).toBe(usd);
  });

  it('reads back every amount that it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 999_999_999_999_999_999n }), (nano) => {
        expect(parseUsd(formatUsd(nano))).toBe(nano);
      }),
    );
  });

  it.each(['', '-1', '1.', '.5', '1e3', '0.0000000001', '1,5', ' 1', 'NaN'])('refuses %j', (text) => {
    expect(() => parseUsd(text)).toThrow(RangeError);
  });
});
