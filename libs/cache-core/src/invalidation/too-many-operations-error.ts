/** This process is carrying out as many invalidations by pattern as it takes. Try again when one has ended. */
export class TooManyOperationsError extends Error {
  override readonly name = 'TooManyOperationsError';
  readonly code = 'too_many_operations';
  readonly httpStatus = 429;

  constructor(readonly most: number) {
    super(`${most} invalidations by pattern are under way in this process; try again when one has ended`);
  }
}
