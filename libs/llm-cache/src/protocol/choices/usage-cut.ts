import { spanOfMember } from '../../stream/json-members.js';
import { NO_CUT, type Cut } from '../../stream/recording.js';
import { isObject } from '../json-object.js';
import type { JsonObject } from '../protocol.js';

const USAGE_LAST = ',"usage":null}';

/**
 * What a reader who did not ask for usage would not have got: OpenAI puts `"usage":null` into each chunk and adds a last
 * one without choices. Both are cut only where reading the rest gives the same chunk without `usage`.
 */
export function usageCut(
  frame: Buffer,
  data: string,
  dataAt: { from: number; to: number } | null,
  chunk: JsonObject,
): Cut {
  if (!('usage' in chunk)) return NO_CUT;
  if (chunk['usage'] !== null) {
    const usageOnly = Array.isArray(chunk['choices']) && chunk['choices'].length === 0 && isObject(chunk['usage']);
    return usageOnly ? { from: 0, length: frame.length } : NO_CUT;
  }
  if (dataAt === null) return NO_CUT;
  // Where OpenAI puts it: last, and nowhere else. The one brace behind it closes the chunk itself.
  if (data.endsWith(USAGE_LAST) && data.indexOf('"usage"') === data.length - USAGE_LAST.length + 1) {
    return { from: dataAt.to - USAGE_LAST.length, length: USAGE_LAST.length - 1 };
  }
  const span = spanOfMember(frame, dataAt.from, dataAt.to, 'usage', 'null');
  return span === null ? NO_CUT : { from: span.from, length: span.to - span.from };
}
