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

export interface Fault {
  /** `accounts[2].token` */
  readonly path: string;
  readonly message: string;
}

/** What a caller asked for cannot be done, and nothing was changed. Never holds a value that was sent or stored. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly httpStatus: number;
  readonly errors?: readonly Fault[];

  constructor(
    readonly code: ConfigurationErrorCode,
    message: string,
    errors?: readonly Fault[],
  ) {
    super(message);
    this.httpStatus = STATUS[code];
    if (errors !== undefined) this.errors = errors;
  }
}

/** @throws ConfigurationError with all faults, when there are any */
export function refuse(code: ConfigurationErrorCode, faults: readonly Fault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  const message =
    faults.length === 1 ? `${first.path}: ${first.message}` : `${faults.length} fields cannot be taken; see "errors".`;
  throw new ConfigurationError(code, message, faults);
}
