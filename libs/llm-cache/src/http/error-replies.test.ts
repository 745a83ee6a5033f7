import { fastify } from 'fastify';
import { LLM_ERROR_STATUS, LlmError, type LlmErrorCode } from '../protocol/llm-error.js';
import { replyWithError } from './error-replies.js';

const shouldRetry = async (code: LlmErrorCode): Promise<unknown> => {
  const server = fastify();
  server.get('/', (request, reply) => {
    replyWithError(new LlmError(code, 'no'), request, reply, {});
  });
  const { headers } = await server.inject('/');
  await server.close();
  return headers['x-should-retry'];
};

it('tells SDKs not to repeat what would end the same, and be paid for, each time; all else is theirs to repeat', async () => {
  const codes = Object.keys(LLM_ERROR_STATUS) as LlmErrorCode[];
  const said = await Promise.all(codes.map(shouldRetry));
  const final = codes.filter((_, at) => said[at] !== undefined);
  expect(final.toSorted()).toEqual(['not_in_cache', 'upstream_too_large', 'upstream_unauthorized']);
  expect(new Set(said)).toEqual(new Set([undefined, 'false']));
});
