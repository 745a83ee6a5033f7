import { LlmError } from '../protocol/llm-error.js';
import type { WholeAnswer } from '../protocol/protocol.js';
import type { Whole } from './broadcast.js';

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a reader gets who wants the answer as JSON. */
export function wholeReply(whole: WholeAnswer, { status, headers }: Answered, stored: boolean): Whole {
  if (whole.json === null) return { kind: 'failed', error: unassembled(whole) };
  return {
    kind: 'answer',
    status,
    headers: { ...headers, 'content-type': 'application/json' },
    body: whole.json,
    facts: whole.facts,
    stored,
  };
}

/** For readers of the JSON form: it would have to be held as a whole. */
export function answerTooLarge(): LlmError {
  return new LlmError(
    'upstream_too_large',
    'The answer is too large to be handed on in one piece. Ask for it as a stream.',
  );
}

/** The stream does not make a completion. */
function unassembled(whole: WholeAnswer): LlmError {
  switch (whole.defect) {
    case 'in_band_error':
      return new LlmError(
        'upstream_died',
        `The provider gave up in the middle of its answer: ${whole.complaint ?? ''}`,
      );
    case 'no_terminal_event':
      return new LlmError('upstream_died', "The provider's answer broke off before its end.");
    case 'too_large':
      return answerTooLarge();
    default:
      return new LlmError('upstream_invalid_response', 'The provider sent events that do not make a completion.');
  }
}
