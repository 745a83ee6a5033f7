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

it('tells SDKs not to repeat what would end the same, and be paid for, each time', async () => {
  for (const code of ['not_in_cache', 'upstream_too_large', 'upstream_unauthorized'] as const) {
    expect([code, await shouldRetry(code)]).toEqual([code, 'false']);
  }
});

it('leaves it to them to repeat everything else', async () => {
  const final = ['not_in_cache', 'upstream_too_large', 'upstream_unauthorized'];
  for (const code of Object.keys(LLM_ERROR_STATUS) as LlmErrorCode[]) {
    if (!final.includes(code)) expect([code, await shouldRetry(code)]).toEqual([code, undefined]);
  }
});
