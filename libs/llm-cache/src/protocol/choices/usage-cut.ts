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
    const usageOnly = isObject(chunk['usage']) && choicesIn(chunk)?.length === 0;
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

/** Some servers leave them out of the chunk that tells the usage. */
export function choicesIn({ choices, usage }: JsonObject): unknown[] | null {
  if (Array.isArray(choices)) return choices;
  return (choices === undefined || choices === null) && isObject(usage) ? [] : null;
}
