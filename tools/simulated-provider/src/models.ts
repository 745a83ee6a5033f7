/**
 * `GET /v1/models` as Anthropic answers it, and `/v1/models/{model}` as either does: aimock has OpenAI's list alone. Any model is
 * there, since any is answered.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Mountable } from '@copilotkit/aimock';
import { sendJson } from './http-json.js';

const USUAL_LIMIT = 20;
/** The first day of 2026. */
const CREATED = 1_767_225_600;

export class Models implements Mountable {
  readonly #models: readonly string[];

  constructor(models: readonly string[]) {
    this.#models = models;
  }

  handleRequest(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (request.method !== 'GET') return Promise.resolve(false);
    const anthropic = request.headers['anthropic-version'] !== undefined;
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (path === '/') {
      if (anthropic) sendJson(response, 200, this.#page(searchParams));
      return Promise.resolve(anthropic);
    }
    const id = decodeURIComponent(path.slice(1));
    sendJson(response, 200, anthropic ? infoOf(id) : { id, object: 'model', created: CREATED, owned_by: 'simulated' });
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
