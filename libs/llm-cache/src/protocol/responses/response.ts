/** What a response says of itself, as JSON or in the last event of its stream. */
import { isUtf8 } from 'node:buffer';
import { complaintIn } from '../complaint.js';
import { factsOf } from '../choices/completion.js';
import { given, isObject, parsed } from '../json-object.js';
import type { AnswerDefect, JsonObject, WholeAnswer } from '../protocol.js';

/** What a model itself says or wants its client to do; any other item comes of something that the provider did. */
const ITEMS_OF_THE_MODEL: ReadonlySet<unknown> = new Set([
  'message',
  'reasoning',
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'computer_call',
]);

/** Reads a response that came as JSON; null for what is none. */
export function readResponse(bytes: Buffer): WholeAnswer | null {
  if (!isUtf8(bytes)) return null;
  const response = parsed(bytes.toString('utf8'));
  if (!isObject(response)) return null;
  const { status, output, error } = response;
  if (typeof status !== 'string' && !Array.isArray(output) && !isObject(error)) return null;
  return {
    json: bytes,
    facts: factsOf(response),
    defect: defectOf(response, status),
    complaint: complaintOf(response),
  };
}

export function complaintOf({ error }: JsonObject): string | null {
  return given(error) ? complaintIn(error) : null;
}

/** Why a response is not one to keep, or null. `status` is its own, or what its last event says where it has none. */
export function defectOf(response: JsonObject, status: unknown): AnswerDefect | null {
  const { error, output } = response;
  if (status === 'failed' || given(error)) return 'in_band_error';
  if (status === 'incomplete') return whyIncomplete(response['incomplete_details']);
  if (status !== 'completed') return 'unfinished_choice';
  if (!Array.isArray(output)) return 'unreadable';
  let defect: AnswerDefect | null = null;
  for (const item of output as unknown[]) {
    if (!isObject(item)) return 'unreadable';
    if (item['status'] === 'incomplete' || item['status'] === 'in_progress') return 'unfinished_choice';
    if (!ITEMS_OF_THE_MODEL.has(item['type']) || cites(item['content'])) defect = 'server_tool';
  }
  return defect;
}

function whyIncomplete(details: unknown): AnswerDefect {
  const reason = isObject(details) ? details['reason'] : null;
  if (reason === 'content_filter') return 'finish_content_filter';
  return reason === undefined || reason === null || reason === 'max_output_tokens'
    ? 'finish_length'
    : 'finish_abnormal';
}

/** Citations point to what a tool of the provider has found. */
function cites(content: unknown): boolean {
  return (
    Array.isArray(content) &&
    content.some(
      (part: unknown) => isObject(part) && Array.isArray(part['annotations']) && part['annotations'].length > 0,
    )
  );
}
