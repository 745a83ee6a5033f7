/**
 * `POST /v1/embeddings`: aimock has it, but in numbers only, while OpenAI's SDK asks for base64 and reads nothing else then.
 * Nothing says that it is simulated: a vector has no room to, and a list that did would not be what a cache makes of stored vectors.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mountable } from '@copilotkit/aimock';
import { jsonOf, sendJson } from './http-json.js';

const DIMENSIONS: Readonly<Record<string, number>> = { 'text-embedding-3-large': 3072 };
const USUAL_DIMENSIONS = 1536;
const MOST_DIMENSIONS = 3072;

interface EmbeddingsRequest {
  readonly model?: unknown;
  readonly input?: unknown;
  readonly dimensions?: unknown;
  readonly encoding_format?: unknown;
}

export class Embeddings implements Mountable {
  readonly #firstByteMs: number;

  constructor({ firstByteMs }: { readonly firstByteMs: number }) {
    this.#firstByteMs = firstByteMs;
  }

  async handleRequest(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (request.method !== 'POST') return false;
    const asked = (await jsonOf(request)) as EmbeddingsRequest | null;
    const items = itemsOf(asked?.input);
    if (typeof asked?.model !== 'string' || items.length === 0) {
      const message = 'Embeddings need a model and an input.';
      sendJson(response, 400, { error: { message, type: 'invalid_request_error', param: null, code: null } });
      return true;
    }
    const { model, dimensions, encoding_format: format } = asked;
    const size = typeof dimensions === 'number' ? dimensions : (DIMENSIONS[model] ?? USUAL_DIMENSIONS);
    await sleep(this.#firstByteMs);
    const data = items.map((item, index) => {
      const vector = vectorOf(`${model} ${item}`, Math.min(Math.max(1, Math.trunc(size)), MOST_DIMENSIONS));
      const embedding = format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
      return { object: 'embedding', index, embedding };
    });
    const tokens = items.reduce((sum, item) => sum + Math.max(1, Math.ceil(item.length / 4)), 0);
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    sendJson(response, 200, { object: 'list', data, model, usage });
    return true;
  }
}

/** A text, a list of texts, or tokens of either. */
function itemsOf(input: unknown): string[] {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) return [];
  if (input.every((item) => typeof item === 'number')) return input.length === 0 ? [] : [JSON.stringify(input)];
  return input.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
}

/** Of length 1; the same text always has the same. */
function vectorOf(text: string, size: number): Float32Array {
  const vector = new Float32Array(size);
  let digest = createHash('sha256').update(text).digest();
  for (let at = 0; at < size; at += 1) {
    if (at % 16 === 0 && at > 0) digest = createHash('sha256').update(digest).digest();
    vector[at] = digest.readInt16BE((at % 16) * 2) / 32_768;
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector.fill(1 / Math.sqrt(size)) : vector.map((number) => number / length);
}
