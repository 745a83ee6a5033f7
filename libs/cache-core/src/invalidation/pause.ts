/**
 * By the global timer, for which a simulated clock can stand in (that of `node:timers/promises` cannot be replaced). Keeps
 * no process alive.
 * @throws what the signal says
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    timer.unref();
    signal.addEventListener('abort', end);
  });
  signal.throwIfAborted();
}
