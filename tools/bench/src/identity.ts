/** What the identity of a chat request costs, by the size of its body: all of it, and each step alone. */
import { hash } from 'node:crypto';
import { canonicalJson, parseBody, requestIdentity, type OmittedPath, type ParsedBody } from '@promptsales/cache-core';
import canonicalize from 'canonicalize';
import { microsecondsPerCall } from './stopwatch.js';

const OMIT: readonly OmittedPath[] = [['stream'], ['stream_options', 'include_usage']];

const SIZES = [500, 2000, 20_000];

const SENTENCE = 'Write three short messages for the "spring" campaign, in Spanish, that speak to first-time buyers. ';

/** A chat request as the official SDK sends it, with a history and a tool, of about so many bytes. */
function chatBody(bytes: number): Buffer {
  const body = {
    model: 'gpt-4o-mini',
    messages: [{ role: 'system', content: 'You are a copywriter of an agency.' }] as {
      role: string;
      content: string;
    }[],
    temperature: 0.7,
    max_tokens: 300,
    stream: true,
    stream_options: { include_usage: true },
    user: 'customer-4711',
  };
  while (JSON.stringify(body).length < bytes) {
    const missing = bytes - JSON.stringify(body).length;
    const content = SENTENCE.repeat(5).slice(0, Math.max(20, Math.min(400, missing - 40)));
    body.messages.push({ role: body.messages.length % 2 === 1 ? 'user' : 'assistant', content });
  }
  return Buffer.from(JSON.stringify(body));
}

function identityOf(body: ParsedBody): string {
  return requestIdentity({
    version: 1,
    tenant: 'acme',
    scope: 'tenant',
    namespace: '',
    upstream: 'https://api.openai.com/v1',
    operation: 'POST /v1/chat/completions',
    headers: { 'openai-organization': 'org-1' },
    body,
    omit: OMIT,
  });
}

export function identityBenchmark(): void {
  const rows = SIZES.map((size) => {
    const bytes = chatBody(size);
    const text = bytes.toString();
    const value: unknown = JSON.parse(text);
    const parsed = parseBody(bytes);
    if (canonicalJson(text).text !== canonicalize(value)) throw new Error('the canonical forms differ');
    const whole = microsecondsPerCall(() => identityOf(parseBody(bytes)));
    const floor = microsecondsPerCall(() => hash('sha256', JSON.stringify(JSON.parse(bytes.toString())), 'hex'));
    return {
      'body (bytes)': bytes.length,
      'identity (µs)': round(whole),
      'of it parseBody': round(microsecondsPerCall(() => parseBody(bytes))),
      'of it requestIdentity': round(microsecondsPerCall(() => identityOf(parsed))),
      'JSON.parse alone': round(microsecondsPerCall(() => JSON.parse(text))),
      'canonical (ours)': round(microsecondsPerCall(() => canonicalJson(text))),
      'canonicalize (npm)': round(microsecondsPerCall(() => canonicalize(value))),
      'SHA-256 alone': round(microsecondsPerCall(() => hash('sha256', text, 'hex'))),
      'ratio to parse + stringify + SHA-256': round(whole / floor),
    };
  });
  console.table(rows);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
