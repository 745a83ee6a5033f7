import { readOpenAiUsage } from '../../ledger/openai-usage.js';
import { NO_STREAM } from '../no-stream.js';
import { OPENAI_ERRORS } from '../openai-error.js';
import type { Protocol, WholeAnswer } from '../protocol.js';
import { readEmbeddings, readUnmapped } from './answer.js';
import { readEmbeddingsRequest } from './request.js';

/** OpenAI's embeddings, answered as a whole: a request that is not to be kept, or that cannot be taken apart. */
export const EMBEDDINGS: Protocol = {
  id: 'openai.embeddings',
  upstreamPath: '/embeddings',
  omittedFromIdentity: [],
  readRequest: readEmbeddingsRequest,
  streamedRequest: null,
  assembler: () => NO_STREAM,
  readWhole,
  synthesise: () => null,
  ...OPENAI_ERRORS,
};

/**
 * Everything of a request but what is embedded: by it items are named. It is no protocol to answer by, since requests
 * that differ in their items alone are one to it.
 */
export const EMBEDDING_ITEMS: Protocol = {
  ...EMBEDDINGS,
  id: 'openai.embeddings.item',
  omittedFromIdentity: [['input']],
};

function readWhole(bytes: Buffer): WholeAnswer | null {
  const answer = readEmbeddings(bytes) ?? readUnmapped(bytes);
  if (answer === null) return null;
  const { model, usage } = answer;
  const facts = { model, usage: readOpenAiUsage(usage), responseId: null, serviceTier: null };
  return { json: bytes, facts, defect: null, complaint: null };
}
