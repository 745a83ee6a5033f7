import { LlmError } from '../protocol/llm-error.js';

/** How fast a recorded stream is sent again: all at once, or at a multiple of the speed at which it was recorded. */
export type ReplayPace = { readonly kind: 'instant' } | { readonly kind: 'paced'; readonly speed: number };

export const INSTANT: ReplayPace = Object.freeze({ kind: 'instant' });
const MAX_SPEED = 1000;

/** `instant`, `paced` or `speed=N` with 0 < N ≤ 1000. */
export function parseReplay(text: string): ReplayPace {
  if (text === 'instant') return INSTANT;
  if (text === 'paced') return { kind: 'paced', speed: 1 };
  const speed = /^speed=(\d{1,4}(?:\.\d{1,6})?)$/.exec(text)?.[1];
  const value = Number(speed);
  if (speed !== undefined && value > 0 && value <= MAX_SPEED) return { kind: 'paced', speed: value };
  throw new LlmError(
    'invalid_cache_header',
    `Invalid 'x-cache-replay' header: expected instant, paced or speed=N with 0 < N <= ${MAX_SPEED}, but got ${JSON.stringify(text)}.`,
    { param: 'x-cache-replay' },
  );
}
