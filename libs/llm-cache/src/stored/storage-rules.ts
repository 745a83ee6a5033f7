/**
 * Which answers are kept. One pure function, and a reason for each refusal, which appears in metrics and in traces.
 * An answer that is not kept is passed on untouched all the same.
 */
import type { AnswerDefect } from '../protocol/protocol.js';

export type NotStored = AnswerDefect | 'policy' | 'no_store' | 'status' | 'too_large' | 'no_form';

export interface AnswerToStore {
  readonly policyAllows: boolean;
  readonly noStore: boolean;
  /** The request lets the provider run tools of its own (web search). */
  readonly serverTools: boolean;
  readonly status: number;
  readonly defect: AnswerDefect | null;
  /** Bytes of every form that would be stored; null when the recording was given up because it grew too long. */
  readonly bytes: number | null;
  readonly maxBytes: number;
  /** How many forms (JSON, stream) could be stored at all. */
  readonly forms: number;
}

/** Null: keep it. The first reason that applies, from what the caller wanted to what the provider did. */
export function whyNotStored(answer: AnswerToStore): NotStored | null {
  if (answer.noStore) return 'no_store';
  if (!answer.policyAllows) return 'policy';
  if (answer.serverTools) return 'server_tool';
  if (answer.status < 200 || answer.status > 299) return 'status';
  if (answer.defect !== null) return answer.defect;
  if (answer.bytes === null || answer.bytes > answer.maxBytes) return 'too_large';
  return answer.forms === 0 ? 'no_form' : null;
}
