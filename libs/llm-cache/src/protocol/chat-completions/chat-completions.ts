import { readCompletion } from '../choices/completion.js';
import { streamedWithUsage } from '../choices/streamed-request.js';
import { OPENAI_ERRORS } from '../openai-error.js';
import type { Protocol } from '../protocol.js';
import { ChatAssembler } from './assemble.js';
import { readChatRequest } from './request.js';
import { synthesiseChat } from './synthesise.js';

/** OpenAI's chat completions, as its own API and many compatible providers speak it. */
export const CHAT_COMPLETIONS: Protocol = {
  id: 'openai.chat.completions',
  upstreamPath: '/chat/completions',
  omittedFromIdentity: [['stream'], ['stream_options', 'include_usage']],
  readRequest: readChatRequest,
  streamedRequest: streamedWithUsage,
  assembler: (maxBytes, facts) => new ChatAssembler(maxBytes, facts),
  readWhole: readCompletion,
  synthesise: synthesiseChat,
  ...OPENAI_ERRORS,
};
