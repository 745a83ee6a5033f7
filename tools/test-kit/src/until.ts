import { setTimeout as pause } from 'node:timers/promises';

const LOOK_EVERY_MS = 10;

/**
 * Looks until it is so. For what tells nobody when it has come about, such as another process or a server; where there is an event or
 * a promise, wait for that.
 */
export async function until(so: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    // What counts is when the look began: this process may have been held up since.
    const over = performance.now() > deadline;
    if (await so()) return;
    if (over) throw new Error(`Not so within ${withinMs} ms: ${so.toString()}`);
    await pause(LOOK_EVERY_MS);
  }
}
