/**
 * Does a double hold what this number token says?
 *
 * Then, and only then, may two tokens that give the same double be taken for the same number. RFC 7493 (I-JSON) draws the
 * same line: nothing beyond the magnitude or precision of IEEE 754 doubles, and integers (written as such) within ±(2^53 − 1).
 *
 * A double is named by its shortest decimal; a token holds if its digits, zeros at the ends aside, and its exponent are those
 * of the double it parses to. So `0.1`, `1.0` and `1e2` hold, `0.1000000000000000055` and `1e400` do not.
 */
export function doubleHolds(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  if (INTEGER.test(token) && !Number.isSafeInteger(value)) return false;
  const shortest = String(value);
  return token === shortest || normalForm(token) === normalForm(shortest);
}

const INTEGER = /^-?\d+$/;
const ZERO = 0x30;
const PARTS = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** `digits e exponent`, meaning 0.digits × 10^exponent, without zeros at either end. */
function normalForm(token: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = PARTS.exec(token) ?? [];
  const digits = whole + fraction;
  const significant = digits.replace(/^0+/, '');
  if (significant === '') return '0';
  const leadingZeros = digits.length - significant.length;
  // Backwards, and not with /0+$/: that would start anew at every zero inside, which is quadratic.
  let end = significant.length;
  while (significant.charCodeAt(end - 1) === ZERO) end--;
  return `${significant.slice(0, end)}e${Number(exponent) + whole.length - leadingZeros}`;
}
