import { NO_CUT } from '../stream/recording.js';
import type { FrameReading } from './protocol.js';

/** For a frame of which every reader gets all. */
export const GOES_ON: FrameReading = Object.freeze({ cut: NO_CUT, terminal: false });
export const TERMINAL: FrameReading = Object.freeze({ cut: NO_CUT, terminal: true });
