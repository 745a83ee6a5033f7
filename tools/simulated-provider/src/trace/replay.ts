/** Sends a trace at its times, half of it as streams, half of it in Anthropic's protocol, and notes what its callers got. */
import { setTimeout as pause } from 'node:timers/promises';
import { tracePrompt } from './trace-provider.js';
import type { TraceRequest } from './trace.js';

export const TRACE_MODELS = { openai: 'gpt-4o-mini', anthropic: 'claude-sonnet-5-5' } as const;

export interface TraceFault {
  readonly name: string;
  /** After so much of the trace, from 0 to 1. */
  readonly after: number;
  readonly run: () => Promise<void>;
}

export interface ReplayOptions {
  readonly requests: readonly TraceRequest[];
  readonly key: string;
  /** Where the n-th request goes. */
  readonly addressOf: (n: number) => string;
  readonly faults: readonly TraceFault[];
  readonly say: (line: string) => void;
}

/** What a caller got. */
export interface Observed {
  readonly requestId: string;
  /** 0: no answer at all. */
  readonly status: number;
  /** `x-cache` */
  readonly cache: string;
  /** To its end, and without an error event. */
  readonly whole: boolean;
  /** The answer's own id. */
  readonly answerId: string | null;
}

export async function replayTrace({ requests, key, addressOf, faults, say }: ReplayOptions): Promise<Observed[]> {
  const began = performance.now();
  const lasts = requests.at(-1)?.atMs ?? 0;
  const trouble = faults.map(async ({ name, after, run }) => {
    await pause(after * lasts);
    say(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name}`);
    await run();
  });
  const asking = requests.map(async (request, n) => {
    await pause(Math.max(0, request.atMs - (performance.now() - began)));
    return ask(request, n, key, addressOf(n));
  });
  const observed = await Promise.all(asking);
  await Promise.all(trouble);
  return observed;
}

async function ask(request: TraceRequest, n: number, key: string, address: string): Promise<Observed> {
  const requestId = `trace-${n}`;
  const speaks = keyNumber(request.key) % 2 === 0 ? 'openai' : 'anthropic';
  const seen = { requestId, status: 0, cache: '', whole: false, answerId: null as string | null };
  try {
    const answer = await fetch(`${address}${speaks === 'openai' ? '/v1/chat/completions' : '/v1/messages'}`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json', 'x-request-id': requestId },
      body: JSON.stringify({
        model: TRACE_MODELS[speaks],
        max_tokens: 4096,
        messages: [{ role: 'user', content: tracePrompt(request) }],
        stream: n % 2 === 0,
      }),
      signal: AbortSignal.timeout(60_000),
    });
    seen.status = answer.status;
    seen.cache = answer.headers.get('x-cache') ?? '';
    const text = await answer.text();
    const ended = n % 2 !== 0 || text.includes('[DONE]') || text.includes('"message_stop"');
    seen.whole = answer.status === 200 && ended && !/"error":\s*\{/.test(text);
    seen.answerId = /"id":\s*"([^"]+)"/.exec(text)?.[1] ?? null;
  } catch {
    // A process was killed with this request in it; what it cost is the ledger's to know.
  }
  return seen;
}

function keyNumber(key: string): number {
  return [...key].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003, 7);
}
