/**
 * What to tell a human whose process did not start. Errors that were written for this (each has a code of ours) are told in their own
 * words, one line a fault; anything else is a defect, and its stack is what helps.
 */
export function startFailure(service: string, error: unknown): string {
  if (!(error instanceof Error)) return `${service} could not start: ${String(error)}`;
  const code: unknown = Reflect.get(error, 'code');
  const ours = typeof code === 'string' && /^[a-z]+(_[a-z]+)+$/.test(code);
  return ours
    ? `${service} could not start\n${error.message}`
    : `${service} could not start: ${error.stack ?? error.message}`;
}
