import { isUtf8 } from 'node:buffer';
import { anthropicErrorBody, anthropicErrorEvent, anthropicErrorOf } from '../anthropic-error.js';
import { isObject, parsed } from '../json-object.js';
import type { Protocol, WholeAnswer } from '../protocol.js';
import { defectOf, factsOf, MessageAssembler } from './assemble.js';
import { readMessagesRequest, streamedMessagesRequest } from './request.js';
import { synthesiseMessage } from './synthesise.js';

/** Anthropic's Messages. Unlike OpenAI's, the base URL of a provider does not hold the version of the API. */
export const MESSAGES: Protocol = {
  id: 'anthropic.messages',
  upstreamPath: '/v1/messages',
  credentialHeader: 'x-api-key',
  omittedFromIdentity: [['stream']],
  readRequest: readMessagesRequest,
  streamedRequest: streamedMessagesRequest,
  assembler: (maxBytes) => new MessageAssembler(maxBytes),
  readWhole,
  synthesise: synthesiseMessage,
  errorBody: (error) => Buffer.from(JSON.stringify(anthropicErrorOf(error))),
  foreignErrorBody: (status, code, message) => Buffer.from(JSON.stringify(anthropicErrorBody(status, code, message))),
  errorEvent: anthropicErrorEvent,
};

/** As `client.beta.messages` asks: the provider may answer with members that it otherwise keeps to itself. */
export const BETA_MESSAGES: Protocol = {
  ...MESSAGES,
  id: 'anthropic.messages.beta',
  upstreamPath: '/v1/messages?beta=true',
};

function readWhole(bytes: Buffer): WholeAnswer | null {
  if (!isUtf8(bytes)) return null;
  const message = parsed(bytes.toString('utf8'));
  if (!isObject(message)) return null;
  const content = message['content'];
  if (message['type'] !== 'error' && !Array.isArray(content)) return null;
  const kinds = Array.isArray(content)
    ? content.map((block: unknown) => (isObject(block) ? block['type'] : undefined))
    : [];
  return { json: bytes, facts: factsOf(message), defect: defectOf(message, kinds), complaint: null };
}
