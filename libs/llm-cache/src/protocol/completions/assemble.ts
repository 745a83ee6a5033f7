/** What the choices of a text completion are made of: text that goes on, and log probabilities beside it. */
import { ChoiceAssembler, type ChoiceKind } from '../choices/choice-assembler.js';
import { emptyObject, mergeBeside } from '../choices/delta-merge.js';
import { isObject } from '../json-object.js';
import type { JsonObject, RequestFacts } from '../protocol.js';

interface TextState {
  text: string;
  logprobs: JsonObject | null;
  readonly rest: JsonObject;
}

const TEXT_CHOICES: ChoiceKind<TextState> = {
  object: 'text_completion',
  fresh: () => ({ text: '', logprobs: null, rest: emptyObject() }),
  merge: mergeChoice,
  whole: (index, { text, logprobs, rest }) => ({ text, index, logprobs, finish_reason: null, ...rest }),
};

export class TextAssembler extends ChoiceAssembler<TextState> {
  constructor(maxBytes?: number, request?: RequestFacts) {
    super(TEXT_CHOICES, maxBytes, request);
  }
}

function mergeChoice(state: TextState, choice: JsonObject): void {
  for (const name in choice) {
    if (name === 'index') continue;
    const value = choice[name];
    if (name === 'text') state.text += typeof value === 'string' ? value : '';
    else if (name === 'logprobs' && isObject(value)) appendLists((state.logprobs ??= emptyObject()), value);
    else if (name !== 'logprobs') mergeBeside(state.rest, name, value);
  }
}

/** `tokens`, `token_logprobs` …: lists with an item for each token, whatever it is. */
function appendLists(target: JsonObject, lists: JsonObject): void {
  for (const name in lists) {
    const [known, more] = [target[name], lists[name]];
    if (Array.isArray(known) && Array.isArray(more)) for (const item of more as unknown[]) known.push(item);
    else if (Array.isArray(more)) target[name] = [...(more as unknown[])];
    else target[name] = more ?? known ?? null;
  }
}
