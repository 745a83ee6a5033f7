/**
 * Which arguments of a call its key depends on. A primitive argument cannot be watched while it is read, but the key can be
 * made again with another value in its place: a key that stays the same does not cover it.
 */
type KeyOf = (...args: never[]) => unknown;

/**
 * The positions of primitive arguments that make no difference to the key.
 * @throws whatever `key` throws for these arguments
 */
export function uncoveredArguments(key: KeyOf, args: readonly unknown[]): number[] {
  const made = textOfKey(key, args);
  return args.flatMap((argument, at) => {
    const others = othersThan(argument);
    const covered = others.length === 0 || others.some((other) => textOfOther(key, args.with(at, other)) !== made);
    return covered ? [] : [at];
  });
}

function textOfKey(key: KeyOf, args: readonly unknown[]): string {
  return JSON.stringify((key as (...given: readonly unknown[]) => unknown)(...args)) ?? '';
}

/** A key that cannot be made from a value depends on that value. */
function textOfOther(key: KeyOf, args: readonly unknown[]): string {
  try {
    return textOfKey(key, args);
  } catch (error) {
    return `throws ${String(error)}`;
  }
}

/** Values of the same type, several because a key may fold some of them together (rounding, case). */
function othersThan(value: unknown): unknown[] {
  switch (typeof value) {
    case 'string':
      return [`${value}~`, `~${value}`, ''].filter((other) => other !== value);
    case 'number':
      return [value + 1, value * 2 + 1009, -value - 1, 0.5];
    case 'bigint':
      return [value + 1n, value * 2n + 1009n];
    case 'boolean':
      return [!value];
    case 'undefined':
      return ['~', 1, true];
    default:
      return value === null ? ['~', 1, true] : [];
  }
}
