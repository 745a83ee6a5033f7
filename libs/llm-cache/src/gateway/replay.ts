import type { ReplayPace } from '../request/replay-pace.js';
import type { Recording } from '../stream/recording.js';

/** A timer that is set for longer rings at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The frames of a recording as one run of bytes: a slice where nothing is left out. */
export function replayAtOnce(recording: Recording, withUsage: boolean): Buffer {
  const slices = recording.slices(withUsage);
  return slices.length === 1 ? (slices[0] as Buffer) : Buffer.concat(slices);
}

/** The frames at the pace at which they came, or a multiple of it. Ends early, without error, when `left` aborts. */
export async function* replayPaced(
  recording: Recording,
  withUsage: boolean,
  { speed }: Extract<ReplayPace, { kind: 'paced' }>,
  left: AbortSignal,
): AsyncGenerator<Buffer> {
  const began = performance.now();
  // Each frame is due by the recording's clock, so that delays of the timer do not add up.
  let dueMs = 0;
  for (const { afterMicros, slices } of recording.frames(withUsage)) {
    dueMs += afterMicros / 1000 / speed;
    await until(began + dueMs, left);
    if (left.aborted) return;
    yield slices.length === 1 ? (slices[0] as Buffer) : Buffer.concat(slices);
  }
}

async function until(time: number, left: AbortSignal): Promise<void> {
  for (;;) {
    const waitMs = time - performance.now();
    if (waitMs < 1 || left.aborted) return;
    await pause(Math.min(waitMs, LONGEST_TIMER_MS), left);
  }
}

function pause(ms: number, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    left.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      left.removeEventListener('abort', done);
      resolve();
    }
  });
}
