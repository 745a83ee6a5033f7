/** A provider of embeddings: the vector of a text follows from the text alone, and lists come in any order. */
import { createHash } from 'node:crypto';
import { RawProvider } from './raw-provider.js';

export type Item = string | number[];

/** One to nine tokens. */
export function tokensOf(item: Item): number {
  return typeof item === 'string' ? Math.max(1, Math.ceil(item.length / 4)) : item.length;
}

/** Eight singles. */
export function vectorOf(item: Item, model = 'text-embedding-3-small'): number[] {
  const digest = createHash('sha256')
    .update(JSON.stringify([model, item]))
    .digest();
  return Array.from({ length: 8 }, (_none, at) => Math.fround((digest.readInt32LE(at * 4) || 1) / 2 ** 31));
}

function asBase64(vector: readonly number[]): string {
  return Buffer.from(new Float32Array(vector).buffer).toString('base64');
}

interface Body {
  readonly model: string;
  readonly input: Item | Item[];
  readonly encoding_format?: string;
}

export class EmbeddingsProvider {
  /** The items of each call. */
  readonly calls: Item[][] = [];
  /** Until it resolves, no call is answered. */
  gate: Promise<void> = Promise.resolve();
  /** Answers 500. */
  failing = false;
  readonly #raw: RawProvider;

  private constructor(raw: RawProvider) {
    this.#raw = raw;
  }

  static async start(): Promise<EmbeddingsProvider> {
    const raw = await RawProvider.start(() => {});
    const provider = new EmbeddingsProvider(raw);
    raw.answers(async ({ body }, response) => {
      const asked = JSON.parse(body) as Body;
      const items = itemsOf(asked.input);
      provider.calls.push(items);
      await provider.gate;
      if (provider.failing) {
        response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"out of order"}}');
        return;
      }
      const bad = items.findIndex((item) => item === 'refuse me');
      response.writeHead(bad < 0 ? 200 : 400, { 'content-type': 'application/json' });
      if (bad >= 0) {
        const message = `input[${bad}] is refused`;
        response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } }));
        return;
      }
      const data = items.map((item, index) => elementOf(item, index, asked));
      if (items.includes('by the token')) data.push(...items.map((item, index) => elementOf(item, index, asked)));
      const tokens = items.reduce((sum, item) => sum + tokensOf(item), 0);
      const usage = { prompt_tokens: tokens, total_tokens: tokens };
      response.end(JSON.stringify({ object: 'list', data: data.toReversed(), model: asked.model, usage }));
    });
    return provider;
  }

  get baseUrl(): string {
    return this.#raw.baseUrl;
  }

  stop(): Promise<void> {
    return this.#raw.stop();
  }
}

function itemsOf(input: Item | Item[]): Item[] {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as number[]] : (input as Item[]);
}

function elementOf(item: Item, index: number, { model, encoding_format: format }: Body): object {
  const vector = vectorOf(item, model);
  if (item === 'late') return { object: 'embedding', index, embeddings: [vector, vector] };
  if (item === 'nested') return { object: 'embedding', index, embedding: [vector, vector] };
  if (item === 'of two types') return { object: 'embedding', index, embedding: { float: vector, binary: [1, 2] } };
  if (item === 'minus zero') return { object: 'embedding', index, embedding: asBase64([0.5, -0]) };
  if (item === 'with a name') return { object: 'embedding', index, embedding: vector, name: 'Bob' };
  return { object: 'embedding', index, embedding: format === 'base64' ? asBase64(vector) : vector };
}
