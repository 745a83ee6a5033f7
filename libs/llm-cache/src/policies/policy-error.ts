import { RefusedRequestError, type FieldError } from '@promptsales/http-edge';

export type PolicyErrorCode = 'validation_failed' | 'not_found' | 'conflict';

const STATUS: Readonly<Record<PolicyErrorCode, number>> = {
  validation_failed: 400,
  not_found: 404,
  conflict: 409,
};

/** A policy cannot be shown, taken or removed as it was asked, and nothing was changed. */
export class PolicyError extends RefusedRequestError<PolicyErrorCode> {
  override readonly name = 'PolicyError';

  constructor(code: PolicyErrorCode, message: string, errors?: readonly FieldError[]) {
    super(code, STATUS[code], message, errors);
  }
}
