/**
 * Money is whole nano-dollars in a bigint: 1 USD = 1,000,000,000. No floating point touches it; in JSON it is a decimal
 * string of USD with every digit it has and no more.
 */
const NANO_PER_USD = 1_000_000_000n;
const DECIMAL = /^(\d{1,9})(?:\.(\d{1,9}))?$/;

/** @throws {RangeError} when the text is no plain decimal of at most nine digits before and after the point. */
export function parseUsd(text: string): bigint {
  const match = DECIMAL.exec(text);
  if (match === null) {
    throw new RangeError(
      `${JSON.stringify(text)} is not an amount of USD: a decimal such as "0.075", at most nine places`,
    );
  }
  return BigInt(match[1] ?? '0') * NANO_PER_USD + BigInt((match[2] ?? '').padEnd(9, '0'));
}

export function formatUsd(nano: bigint): string {
  const sign = nano < 0n ? '-' : '';
  const digits = nano < 0n ? -nano : nano;
  const fraction = (digits % NANO_PER_USD).toString().padStart(9, '0').replace(/0+$/, '');
  const whole = (digits / NANO_PER_USD).toString();
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}
