import { DEFAULT_FRAME_LOG, type FrameLogBounds } from './frame-log.js';

export interface FlightBounds extends FrameLogBounds {
  /** One event of a stream. */
  readonly maxFrameBytes: number;
  /** A JSON answer that is handed on in one piece, as it came or merged from a stream. */
  readonly maxAnswerBytes: number;
  /** JSON and recording together; a longer answer is passed on and not stored. */
  readonly maxStoredBytes: number;
  /** How long the end of an answer may wait for its being stored. */
  readonly holdMs: number;
}

export const DEFAULT_FLIGHT: FlightBounds = Object.freeze({
  ...DEFAULT_FRAME_LOG,
  maxFrameBytes: 8 * 1024 * 1024,
  maxAnswerBytes: 32 * 1024 * 1024,
  maxStoredBytes: 8 * 1024 * 1024,
  holdMs: 100,
});
