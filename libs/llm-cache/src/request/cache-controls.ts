import {
  CacheControlError,
  NO_CACHE_CONTROLS,
  parseCacheControls,
  type CacheControls,
  type RequestHeaders,
} from '@promptsales/cache-core';
import { LlmError } from '../protocol/llm-error.js';
import { INSTANT, parseReplay, type ReplayPace } from './replay-pace.js';

/** What a caller may say about caching, and about how a stream is sent again. */
export interface LlmCacheControls extends CacheControls {
  readonly replay: ReplayPace;
}

const NO_CONTROLS: LlmCacheControls = Object.freeze({ ...NO_CACHE_CONTROLS, replay: INSTANT });

/** @throws LlmError for what cannot be read */
export function parseLlmCacheControls(headers: RequestHeaders): LlmCacheControls {
  const controls = readControls(headers);
  const replay = headers['x-cache-replay'];
  // Nearly every request says nothing: it shares one frozen object.
  if (replay === undefined && controls === NO_CACHE_CONTROLS) return NO_CONTROLS;
  const pace = replay === undefined ? INSTANT : parseReplay(Array.isArray(replay) ? replay.join(', ') : replay);
  return Object.freeze({ ...controls, replay: pace });
}

function readControls(headers: RequestHeaders): CacheControls {
  try {
    return parseCacheControls(headers);
  } catch (error) {
    if (!(error instanceof CacheControlError)) throw error;
    throw new LlmError(error.code, error.message, { param: error.header });
  }
}
