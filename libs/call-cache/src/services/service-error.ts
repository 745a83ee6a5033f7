export type ServiceErrorCode = 'validation_failed' | 'not_found';

const STATUS: Readonly<Record<ServiceErrorCode, number>> = { validation_failed: 400, not_found: 404 };

export interface ServiceFault {
  /** `ttl_rules[0].ttl` */
  readonly path: string;
  readonly message: string;
}

/** A service cannot be shown, taken or removed as it was asked, and nothing was changed. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly httpStatus: number;
  readonly errors?: readonly ServiceFault[];

  constructor(
    readonly code: ServiceErrorCode,
    message: string,
    errors?: readonly ServiceFault[],
  ) {
    super(message);
    this.httpStatus = STATUS[code];
    if (errors !== undefined) this.errors = errors;
  }
}
