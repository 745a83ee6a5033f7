/**
 * Work that takes longer than others of this process should wait: it yields after each slice. Whoever runs it decides what
 * happens between two of them.
 */
export type Work<T> = Generator<void, T, void>;

/** So many observations are looked at in one slice: one or two milliseconds of the dearest work there is. */
export const SLICE = 250;

/** In one go. */
export function finished<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** With a turn of others after each slice. */
export async function inTurns<T>(work: Work<T>, turn: () => Promise<void>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await turn();
  }
}

/** Each of so many, by its index, in slices. */
export function* each(count: number, visit: (at: number) => void): Work<void> {
  for (let from = 0; from < count; from += SLICE) {
    const end = Math.min(count, from + SLICE);
    for (let at = from; at < end; at += 1) visit(at);
    yield;
  }
}
