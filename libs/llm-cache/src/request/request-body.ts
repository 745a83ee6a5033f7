import { BodyError, parseBody, type ParsedBody } from '@promptsales/cache-core';
import { LlmError } from '../protocol/llm-error.js';

/** Reads the body of a request; what it cannot be is a 400 in the caller's own protocol, which never quotes the body. */
export function readBody(bytes: Buffer): ParsedBody {
  try {
    return parseBody(bytes);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    const code = error.code === 'body_not_utf8' ? 'invalid_utf8' : 'invalid_json';
    throw new LlmError(code, `We could not read the body of your request: ${error.message}.`, { cause: error });
  }
}
