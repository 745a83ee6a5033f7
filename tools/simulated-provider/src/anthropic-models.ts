/** `GET /v1/models` and `/v1/models/{model}` as Anthropic answers them; aimock has OpenAI's list alone. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Mountable } from '@copilotkit/aimock';
import { sendJson } from './http-json.js';

const USUAL_LIMIT = 20;

export class AnthropicModels implements Mountable {
  readonly #models: readonly string[];

  constructor(models: readonly string[]) {
    this.#models = models;
  }

  handleRequest(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (request.method !== 'GET' || request.headers['anthropic-version'] === undefined) return Promise.resolve(false);
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    sendJson(response, 200, path === '/' ? this.#page(searchParams) : infoOf(decodeURIComponent(path.slice(1))));
    return Promise.resolve(true);
  }

  #page(query: URLSearchParams): object {
    const from = this.#models.indexOf(query.get('after_id') ?? '') + 1;
    const to = from + (Number(query.get('limit')) || USUAL_LIMIT);
    const data = this.#models.slice(from, to).map(infoOf);
    const [first_id, last_id] = [this.#models[from] ?? null, this.#models.slice(from, to).at(-1) ?? null];
    return { data, has_more: to < this.#models.length, first_id, last_id };
  }
}

function infoOf(id: string): object {
  return { type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' };
}
