import { RefusedRequestError, type FieldError } from '@promptsales/http-edge';

export type ServiceErrorCode = 'validation_failed' | 'not_found';

const STATUS: Readonly<Record<ServiceErrorCode, number>> = { validation_failed: 400, not_found: 404 };

/** A service cannot be shown, taken or removed as it was asked, and nothing was changed. */
export class ServiceError extends RefusedRequestError<ServiceErrorCode> {
  override readonly name = 'ServiceError';

  constructor(code: ServiceErrorCode, message: string, errors?: readonly FieldError[]) {
    super(code, STATUS[code], message, errors);
  }
}
