import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** One request of a recorded hour of a chat service. Equal `key`s are equal prompts. */
export interface TraceRequest {
  /** Milliseconds after the first. */
  readonly atMs: number;
  readonly key: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

interface Recorded {
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];
}

export interface TraceScale {
  /** How many requests, from the first on. */
  readonly requests: number;
  /** How many times faster than recorded they come. */
  readonly speed: number;
  /** So long after each request somebody else asks the same. */
  readonly echoAfterMs: number;
}

/** The recorded trace (`llm-conversation-trace.jsonl.gz`) where it is there, else one of the same nature. */
export function readTrace(file: string, { requests, speed, echoAfterMs }: TraceScale): TraceRequest[] {
  const recorded = existsSync(file) ? recordedIn(file, requests) : invented(requests);
  const from = recorded[0]?.timestamp ?? 0;
  const output = new Map<string, number>();
  const once = recorded.map(({ timestamp, input_length: inputTokens, output_length: length, hash_ids: ids }) => {
    const key = ids.join('.');
    // The same prompt has the same answer here, whoever asks for it first.
    const outputTokens = output.get(key) ?? length;
    output.set(key, outputTokens);
    return { atMs: (timestamp - from) / speed, key, inputTokens, outputTokens };
  });
  const again = once.map((request) => ({ ...request, atMs: request.atMs + echoAfterMs }));
  return [...once, ...again].toSorted((one, other) => one.atMs - other.atMs);
}

function recordedIn(file: string, requests: number): Recorded[] {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').split('\n', requests);
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Recorded);
}

/** Three a second as in the recorded hour, every third of them asked before. */
function invented(requests: number): Recorded[] {
  return Array.from({ length: requests }, (_, n) => {
    const prompt = n % 3 === 2 ? (n * 7) % Math.max(1, n) : n;
    return {
      timestamp: n * 300,
      input_length: 200 + ((prompt * 7919) % 12_000),
      output_length: 10 + ((prompt * 104_729) % 700),
      hash_ids: [prompt],
    };
  });
}
