import { ValidateBy, type ValidationOptions } from 'class-validator';

/**
 * A name that a person gave: not empty, without blanks around it, without control characters, and well-formed Unicode. A lone
 * surrogate would be stored as U+FFFD, and two different tenants would become one.
 */
export function IsPrintableText(longest: number, options?: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isPrintableText',
      validator: {
        validate: (value: unknown) =>
          typeof value === 'string' &&
          value.length > 0 &&
          value.length <= longest &&
          value === value.trim() &&
          value.isWellFormed() &&
          !/[\p{Cc}\u2028\u2029]/u.test(value),
        defaultMessage: () =>
          `$property must be a text of 1 to ${longest} printable characters without blanks around it`,
      },
    },
    options,
  );
}

/** An instant of ISO 8601 with its offset, later than now. */
export function IsFutureInstant(options?: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isFutureInstant',
      validator: {
        validate: (value: unknown) =>
          typeof value === 'string' &&
          INSTANT.test(value) &&
          Date.parse(value) > Date.now() &&
          Date.parse(value) < LATEST,
        defaultMessage: () => '$property must be a future instant in ISO 8601, such as 2027-01-31T12:00:00Z',
      },
    },
    options,
  );
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;
const LATEST = Date.UTC(10_000, 0, 1);
