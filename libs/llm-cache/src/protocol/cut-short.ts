import { readFrame } from '../stream/sse-frames.js';
import { DONE } from './choices/choice-assembler.js';
import { parsed } from './json-object.js';

/**
 * Whether what a stream has left behind its last blank line lacks more than a blank line of its own: then it says nothing, and
 * readers by the HTML standard (§9.2.6) pass over it.
 */
export function isCutShort(rest: Buffer): boolean {
  const { data } = readFrame(rest);
  return data === null || (data.trim() !== DONE && parsed(data) === undefined);
}
