/** Any endpoint that speaks OpenAI's `POST {base}/embeddings`. */
import { type Embedded, type Embedder, EmbedderError } from './embedder.js';
import { toUnit } from './vector.js';

export interface OpenAiEmbedderOptions {
  /** As the official SDKs take it: ends in `/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey?: string | null;
  /** @default 2 s */
  readonly timeoutMs?: number;
  /** @default Node's own */
  readonly fetch?: typeof globalThis.fetch;
}

const TIMEOUT_MS = 2_000;
/** Too long, too many, or not text enough; everything else would be refused whatever the texts. */
const OF_THE_TEXTS: ReadonlySet<number> = new Set([400, 413, 422]);
/** 128 texts of 3072 numbers in decimal are 9 MB. */
const LARGEST_ANSWER_BYTES = 32 * 1024 * 1024;

export class OpenAiEmbedder implements Embedder {
  readonly space: string;
  readonly remote = true;
  readonly #options: OpenAiEmbedderOptions;
  readonly #url: string;

  constructor(options: OpenAiEmbedderOptions) {
    this.#options = options;
    this.#url = `${options.baseUrl.replace(/\/+$/, '')}/embeddings`;
    this.space = `openai:${JSON.stringify([this.#url, options.model])}`;
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded> {
    if (texts.length === 0) return { vectors: [], inputTokens: 0 };
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    const ends = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      return read(await this.#post(texts, ends), texts.length);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof EmbedderError) throw error;
      if (timeout.aborted) throw new EmbedderError('embedder_timeout', 'The embeddings endpoint took too long.');
      throw new EmbedderError('embedder_unreachable', 'The embeddings endpoint could not be asked.', { cause: error });
    }
  }

  async #post(texts: readonly string[], signal: AbortSignal): Promise<string> {
    const { apiKey = null, model, fetch = globalThis.fetch } = this.#options;
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ model, input: texts, encoding_format: 'float' }),
      // The texts and the credential are for this address alone.
      redirect: 'error',
      signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      const { status } = response;
      const code = OF_THE_TEXTS.has(status) ? 'embedder_text_refused' : 'embedder_refused';
      throw new EmbedderError(code, `The embeddings endpoint answered ${status}.`, { status });
    }
    return textOf(response);
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > LARGEST_ANSWER_BYTES) throw invalid('it is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function read(text: string, count: number): Embedded {
  const answer = parsed(text) as { data?: unknown; usage?: { prompt_tokens?: unknown } } | null;
  const data = answer?.data;
  if (!Array.isArray(data) || data.length !== count) throw invalid(`it does not hold ${count} vectors`);
  const vectors = Array.from<Float32Array | undefined>({ length: count });
  let dimensions = 0;
  for (const [place, item] of data.entries()) {
    const { index = place, embedding } = (item ?? {}) as { index?: unknown; embedding?: unknown };
    if (!isPlace(index, count) || vectors[index] !== undefined) throw invalid('its indices are no order');
    const vector = vectorOf(embedding);
    dimensions ||= vector.length;
    if (vector.length !== dimensions) throw invalid('its vectors have different lengths');
    vectors[index] = toUnit(vector);
  }
  const tokens = answer?.usage?.prompt_tokens;
  // As many places as vectors, and none taken twice: every place has one.
  return { vectors: vectors as Float32Array[], inputTokens: Number.isSafeInteger(tokens) ? (tokens as number) : null };
}

function isPlace(index: unknown, count: number): index is number {
  return Number.isInteger(index) && (index as number) >= 0 && (index as number) < count;
}

function vectorOf(embedding: unknown): Float32Array {
  if (!Array.isArray(embedding) || embedding.length === 0) throw invalid('a vector is missing');
  const numbers: readonly unknown[] = embedding;
  // A number that is too large for 32 bits would make a vector of none.
  if (!numbers.every((number) => typeof number === 'number' && Number.isFinite(Math.fround(number)))) {
    throw invalid('a vector holds what is no number');
  }
  return Float32Array.from(numbers as readonly number[]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid('it is no JSON', error);
  }
}

function invalid(why: string, cause?: unknown): EmbedderError {
  return new EmbedderError('embedder_invalid_answer', `The answer of the embeddings endpoint cannot be used: ${why}.`, {
    cause,
  });
}
