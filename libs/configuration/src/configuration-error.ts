import { RefusedRequestError, summaryOf, type FieldError } from '@promptsales/http-edge';

export type ConfigurationErrorCode =
  | 'validation_failed'
  | 'not_found'
  | 'conflict'
  | 'forbidden'
  | 'precondition_failed'
  | 'configuration_invalid'
  | 'secret_mask';

const STATUS: Readonly<Record<ConfigurationErrorCode, number>> = {
  validation_failed: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  configuration_invalid: 422,
  secret_mask: 422,
};

/** What a caller asked for cannot be done, and nothing was changed. Never holds a value that was sent or stored. */
export class ConfigurationError extends RefusedRequestError<ConfigurationErrorCode> {
  override readonly name = 'ConfigurationError';

  constructor(code: ConfigurationErrorCode, message: string, errors?: readonly FieldError[]) {
    super(code, STATUS[code], message, errors);
  }
}

/** @throws ConfigurationError with all faults, when there are any */
export function refuse(code: ConfigurationErrorCode, faults: readonly FieldError[]): void {
  if (faults.length > 0) throw new ConfigurationError(code, summaryOf(faults), faults);
}
