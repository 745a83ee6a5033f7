import { isUtf8 } from 'node:buffer';
import { openAiErrorBody, openAiErrorEvent, openAiErrorOf } from '../openai-error.js';
import type { Protocol, WholeAnswer } from '../protocol.js';
import { ChatAssembler, defectOf, factsOf, parsed } from './assemble.js';
import { isObject, readChatRequest, streamedChatRequest } from './request.js';
import { synthesiseChat } from './synthesise.js';

/** OpenAI's chat completions, as its own API and many compatible providers speak it. */
export const CHAT_COMPLETIONS: Protocol = {
  id: 'openai.chat.completions',
  upstreamPath: '/chat/completions',
  omittedFromIdentity: [['stream'], ['stream_options', 'include_usage']],
  readRequest: readChatRequest,
  streamedRequest: streamedChatRequest,
  assembler: (maxBytes) => new ChatAssembler(maxBytes),
  readWhole,
  synthesise: synthesiseChat,
  errorBody: (error) => Buffer.from(JSON.stringify(openAiErrorOf(error))),
  foreignErrorBody: (status, code, message) => Buffer.from(JSON.stringify(openAiErrorBody(status, code, message))),
  errorEvent: openAiErrorEvent,
};

function readWhole(bytes: Buffer): WholeAnswer | null {
  if (!isUtf8(bytes)) return null;
  const completion = parsed(bytes.toString('utf8'));
  if (!isObject(completion)) return null;
  const failed = completion['error'] !== undefined && completion['error'] !== null;
  if (!failed && !Array.isArray(completion['choices'])) return null;
  return { json: bytes, facts: factsOf(completion), defect: defectOf(completion), complaint: null };
}
