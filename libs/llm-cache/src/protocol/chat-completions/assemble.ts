/** What the choices of a chat completion are made of: messages, merged from their deltas. */
import { ChoiceAssembler, type ChoiceKind } from '../choices/choice-assembler.js';
import { emptyObject, mergeBeside, mergeDelta } from '../choices/delta-merge.js';
import { isObject, without, withoutUndefined } from '../json-object.js';
import type { JsonObject, RequestFacts } from '../protocol.js';

interface ChoiceState {
  readonly message: JsonObject;
  readonly logprobs: JsonObject;
  hasLogprobs: boolean;
  readonly rest: JsonObject;
}

const CHAT_CHOICES: ChoiceKind<ChoiceState> = {
  object: 'chat.completion',
  fresh: () => ({ message: emptyObject(), logprobs: emptyObject(), hasLogprobs: false, rest: emptyObject() }),
  merge: mergeChoice,
  whole: completeChoice,
};

export class ChatAssembler extends ChoiceAssembler<ChoiceState> {
  constructor(maxBytes?: number, request?: RequestFacts) {
    super(CHAT_CHOICES, maxBytes, request);
  }
}

function mergeChoice(state: ChoiceState, choice: JsonObject): void {
  for (const name in choice) {
    if (name === 'index') continue;
    const value = choice[name];
    if (name === 'delta') {
      if (isObject(value)) mergeDelta(state.message, value);
    } else if (name === 'logprobs' && isObject(value)) {
      state.hasLogprobs = true;
      mergeDelta(state.logprobs, value);
    } else if (name !== 'logprobs') {
      mergeBeside(state.rest, name, value);
    }
  }
}

/**
 * The members in the order in which OpenAI writes them, and those that its schema requires though a stream may leave
 * them out: `content`, `refusal` and `logprobs` are null when nothing was said of them.
 */
function completeChoice(index: number, state: ChoiceState): JsonObject {
  const { role, content, refusal, tool_calls: toolCalls, ...message } = state.message;
  return {
    index,
    message: withoutUndefined({
      role: role ?? 'assistant',
      content: content ?? null,
      refusal: refusal ?? null,
      ...message,
      tool_calls: Array.isArray(toolCalls)
        ? toolCalls.map((call: unknown) => (isObject(call) ? without(call, 'index') : call))
        : toolCalls,
    }),
    logprobs: state.hasLogprobs ? state.logprobs : null,
    finish_reason: null,
    ...state.rest,
  };
}
