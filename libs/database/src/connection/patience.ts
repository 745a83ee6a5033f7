/** A timer that fires this much late tells of our own event loop, not of the server. */
export const LATE_MS = 250;

/** A process that is held up all the time is not waited for without end. */
const MOST_TIMES = 4;

/**
 * Acts when an answer has been waited for so long. Timers are heard before what has come meanwhile: where this process was held up,
 * it waits anew. Returns what calls it off.
 */
export function unlessAnswered(withinMs: number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (time: number): void => {
    const due = performance.now() + withinMs;
    timer = setTimeout(() => {
      if (time < MOST_TIMES && performance.now() - due > LATE_MS) wait(time + 1);
      else act();
    }, withinMs);
  };
  wait(1);
  return () => clearTimeout(timer);
}
