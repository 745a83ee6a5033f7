import { GOES_ON } from './frame-readings.js';
import { NO_FACTS, type Assembler, type WholeAnswer } from './protocol.js';

const UNREADABLE: WholeAnswer = Object.freeze({ json: null, facts: NO_FACTS, defect: 'unreadable', complaint: null });

/** Of a protocol without streams, for a provider who streams all the same: his events make no answer. */
export const NO_STREAM: Assembler = Object.freeze({ outgrown: false, push: () => GOES_ON, finish: () => UNREADABLE });
