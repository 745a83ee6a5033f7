export type PolicyErrorCode = 'validation_failed' | 'not_found' | 'conflict';

const STATUS: Readonly<Record<PolicyErrorCode, number>> = {
  validation_failed: 400,
  not_found: 404,
  conflict: 409,
};

export interface PolicyFault {
  /** `semantic.embedder.base_url` */
  readonly path: string;
  readonly message: string;
}

/** A policy cannot be shown, taken or removed as it was asked, and nothing was changed. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly httpStatus: number;
  readonly errors?: readonly PolicyFault[];

  constructor(
    readonly code: PolicyErrorCode,
    message: string,
    errors?: readonly PolicyFault[],
  ) {
    super(message);
    this.httpStatus = STATUS[code];
    if (errors !== undefined) this.errors = errors;
  }
}
