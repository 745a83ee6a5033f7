import type { keyspace, ValueOf } from '@promptsales/cache-core';
import type { GatewayReply } from '../gateway/gateway-reply.js';
import type { Inquiry } from '../gateway/inquiry.js';
import { costOf } from '../prices/cost.js';
import type { Prices } from '../prices/price-table.js';
import { readCompletion } from '../protocol/choices/completion.js';
import { isObject, parsed } from '../protocol/json-object.js';
import { LlmError } from '../protocol/llm-error.js';
import type { AnswerFacts } from '../protocol/protocol.js';

/** A generation, and the gateway's reply that it was read from. */
export interface Generated {
  readonly generation: ValueOf<typeof keyspace.aiGeneration>;
  readonly reply: GatewayReply;
  readonly facts: AnswerFacts;
  /** Neither cut off nor filtered. */
  readonly keep: boolean;
}

const NANO_PER_USD = 1e9;

/** @throws LlmError for an answer without text */
export function generationIn(reply: GatewayReply, prices: Prices, { facts: request, ledger }: Inquiry): Generated {
  const { body } = reply;
  const whole = Buffer.isBuffer(body) ? readCompletion(body, request) : null;
  const content = Buffer.isBuffer(body) ? contentOf(body) : null;
  if (whole === null || content === null) {
    throw new LlmError('upstream_invalid_response', 'The model answered without a text.');
  }
  const { facts, defect } = whole;
  const { usage, model, serviceTier } = facts;
  const madeAt = new Date(Date.now() - Number(reply.headers['age'] ?? 0) * 1000);
  const { tenant, provider, model: asked } = ledger;
  const price = prices.of({ tenant, provider, model: model ?? asked, asked, serviceTier, at: madeAt });
  const { nanoUsd } = costOf(usage, price);
  const counted = usage !== null && usage.inputTokens !== null && usage.outputTokens !== null;
  return {
    generation: {
      content,
      tokens_used: counted ? (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0) : null,
      cost_usd: nanoUsd === null ? null : Number(nanoUsd) / NANO_PER_USD,
      timestamp: madeAt.toISOString(),
    },
    reply,
    facts,
    keep: defect === null,
  };
}

function contentOf(body: Buffer): string | null {
  const answer = parsed(body.toString());
  const choices = isObject(answer) ? answer['choices'] : null;
  const choice: unknown = Array.isArray(choices) ? choices[0] : null;
  const message = isObject(choice) ? choice['message'] : null;
  const content = isObject(message) ? message['content'] : null;
  return typeof content === 'string' ? content : null;
}
