import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { ProblemError, type FieldError } from './problem.js';

/** Bodies, queries and parameters against their DTO: nothing unknown passes, and every fault is named at once. */
export function requestValidation(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: false, value: false },
    exceptionFactory: (faults) => {
      const errors = faults.flatMap((fault) => fieldErrorsOf(fault, ''));
      const first = errors[0];
      const detail =
        errors.length === 1 && first !== undefined
          ? `${first.path}: ${first.message}`
          : `${errors.length} fields are not as expected; see "errors".`;
      return new ProblemError('validation_failed', detail, { errors });
    },
  });
}

function fieldErrorsOf(fault: ValidationError, parent: string): FieldError[] {
  const path = joined(parent, fault.property);
  // Decorators take effect from the lowest upwards, and the uppermost says what kind of thing is expected: the one message that helps.
  const own = Object.values(fault.constraints ?? {}).at(-1);
  return [
    ...(own === undefined ? [] : [{ path, message: own }]),
    ...(fault.children ?? []).flatMap((child) => fieldErrorsOf(child, path)),
  ];
}

function joined(parent: string, property: string): string {
  if (/^\d+$/.test(property) && parent !== '') return `${parent}[${property}]`;
  return parent === '' ? property : `${parent}.${property}`;
}
