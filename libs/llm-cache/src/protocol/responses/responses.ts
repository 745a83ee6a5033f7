import type { LlmError } from '../llm-error.js';
import { OPENAI_ERRORS, openAiErrorOf } from '../openai-error.js';
import type { Protocol } from '../protocol.js';
import { ResponseAssembler } from './assemble.js';
import { readResponsesRequest, streamedResponsesRequest } from './request.js';
import { readResponse } from './response.js';
import { synthesiseResponse } from './synthesise.js';

/** OpenAI's Responses. */
export const RESPONSES: Protocol = {
  id: 'openai.responses',
  upstreamPath: '/responses',
  omittedFromIdentity: [['stream']],
  readRequest: readResponsesRequest,
  streamedRequest: streamedResponsesRequest,
  assembler: (maxBytes) => new ResponseAssembler(maxBytes),
  readWhole: readResponse,
  synthesise: synthesiseResponse,
  ...OPENAI_ERRORS,
  errorEvent,
};

/** The schema has an error's members beside its type; OpenAI itself, and its SDKs, have them in `error`. */
function errorEvent(error: LlmError): Buffer {
  const { error: told } = openAiErrorOf(error);
  const { code, message, param } = told;
  const data = JSON.stringify({ type: 'error', sequence_number: 0, code, message, param, error: told });
  return Buffer.from(`event: error\ndata: ${data}\n\n`);
}
