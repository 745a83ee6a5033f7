import type { CallFacts, CallOutcome, HitFacts, Usage } from '../../src/ledger/ledger.js';

/** One request as the gateway would report it, with what a test wants different. */
export function sampleCall(different: Partial<CallFacts> = {}): CallFacts {
  return {
    tenant: 'acme',
    keyId: 'key-1',
    client: 'crm',
    userId: null,
    clienteId: null,
    campanaId: null,
    segmento: null,
    route: '/v1/chat/completions',
    provider: 'openai',
    model: 'gpt-4o-mini',
    simulated: false,
    identity: 'a'.repeat(64),
    ...different,
  };
}

export function sampleUsage(inputTokens: number, outputTokens: number, cachedInputTokens = 0): Usage {
  return {
    inputTokens,
    cachedInputTokens,
    cacheWrite5mTokens: null,
    cacheWrite1hTokens: null,
    audioInputTokens: null,
    imageInputTokens: null,
    outputTokens,
    reasoningTokens: 0,
    audioOutputTokens: null,
    imageOutputTokens: null,
  };
}

export function sampleOutcome(different: Partial<CallOutcome> = {}): CallOutcome {
  return {
    status: 'completed',
    usage: sampleUsage(100, 20),
    model: 'gpt-4o-mini-2024-07-18',
    httpStatus: 200,
    ...different,
  };
}

export function sampleHit(different: Partial<HitFacts> = {}): HitFacts {
  return {
    ...sampleCall(),
    kind: 'hit',
    usage: sampleUsage(100, 20),
    answeredModel: 'gpt-4o-mini-2024-07-18',
    ...different,
  };
}

/** 100 input and 20 output tokens of gpt-4o-mini, in nano-dollars. */
export const SAMPLE_COST = 100n * 150n + 20n * 600n;
