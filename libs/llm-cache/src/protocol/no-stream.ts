import { NO_CUT } from '../stream/recording.js';
import { NO_FACTS, type Assembler, type FrameReading, type WholeAnswer } from './protocol.js';

const NOTHING: FrameReading = Object.freeze({ cut: NO_CUT, terminal: false });
const UNREADABLE: WholeAnswer = Object.freeze({ json: null, facts: NO_FACTS, defect: 'unreadable', complaint: null });

/** Of a protocol without streams, for a provider who streams all the same: his events make no answer. */
export const NO_STREAM: Assembler = Object.freeze({ outgrown: false, push: () => NOTHING, finish: () => UNREADABLE });
