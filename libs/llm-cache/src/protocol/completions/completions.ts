import { readCompletion } from '../choices/completion.js';
import { streamedWithUsage } from '../choices/streamed-request.js';
import { OPENAI_ERRORS } from '../openai-error.js';
import type { Protocol } from '../protocol.js';
import { TextAssembler } from './assemble.js';
import { readCompletionRequest } from './request.js';
import { synthesiseText } from './synthesise.js';

/** OpenAI's text completions, which many servers of open models still speak. */
export const COMPLETIONS: Protocol = {
  id: 'openai.completions',
  upstreamPath: '/completions',
  omittedFromIdentity: [['stream'], ['stream_options', 'include_usage']],
  readRequest: readCompletionRequest,
  streamedRequest: streamedWithUsage,
  assembler: (maxBytes, facts) => new TextAssembler(maxBytes, facts),
  readWhole: readCompletion,
  synthesise: synthesiseText,
  ...OPENAI_ERRORS,
};
