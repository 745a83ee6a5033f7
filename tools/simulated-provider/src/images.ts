/** `POST /v1/images/generations`: aimock has it, but never as a stream, and with one image however many are asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mountable } from '@copilotkit/aimock';
import { jsonOf, sendJson } from './http-json.js';

/** One grey pixel. */
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCB0kRnGAAAAABJRU5ErkJggg==';

/** Only these models draw before one's eyes and count tokens. */
const GPT_IMAGE = /^(gpt|chatgpt)-image/;
const MOST_IMAGES = 10;
const MOST_PARTIAL_IMAGES = 3;
/** Of one image of medium quality, 1024 pixels square. */
const TOKENS_OF_AN_IMAGE = 1056;
/** Said in every answer; an image of one grey pixel says it, too. */
const MARK = { simulated: true } as const;
const LOOK = { size: '1024x1024', quality: 'medium', background: 'opaque', output_format: 'png' } as const;

interface ImagesRequest {
  readonly model?: unknown;
  readonly prompt?: unknown;
  readonly n?: unknown;
  readonly stream?: unknown;
  readonly partial_images?: unknown;
}

interface Refusal {
  readonly message: string;
  readonly param: string;
}

export class Images implements Mountable {
  readonly #firstByteMs: number;
  readonly #betweenImagesMs: number;

  constructor(pace: { readonly firstByteMs: number; readonly betweenImagesMs: number }) {
    this.#firstByteMs = pace.firstByteMs;
    this.#betweenImagesMs = pace.betweenImagesMs;
  }

  async handleRequest(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (request.method !== 'POST') return false;
    const asked = ((await jsonOf(request)) ?? {}) as ImagesRequest;
    const refusal = refusalOf(asked);
    if (refusal !== null) {
      sendJson(response, 400, { error: { ...refusal, type: 'invalid_request_error', code: 'invalid_value' } });
      return true;
    }
    await sleep(this.#firstByteMs);
    const images = numberOr(asked.n, 1);
    const created = Math.floor(Date.now() / 1000);
    const told = isGptImage(asked.model) ? { ...LOOK, usage: usageOf(String(asked.prompt), images) } : {};
    if (asked.stream === true) {
      const partials = numberOr(asked.partial_images, 0);
      await this.#stream(response, images, partials, { b64_json: PIXEL, created_at: created, ...LOOK, ...MARK }, told);
    } else {
      const data = Array.from({ length: images }, () => ({ b64_json: PIXEL }));
      sendJson(response, 200, { created, data, ...told, ...MARK });
    }
    return true;
  }

  async #stream(
    response: ServerResponse,
    images: number,
    partials: number,
    image: object,
    told: { readonly usage?: object },
  ): Promise<void> {
    const say = async (type: string, more: object): Promise<void> => {
      if (this.#betweenImagesMs > 0) await sleep(this.#betweenImagesMs);
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...image, ...more })}\n\n`);
    };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let drawn = 0; drawn < images; drawn += 1) {
      for (let at = 0; at < partials; at += 1) {
        await say('image_generation.partial_image', { partial_image_index: at });
      }
      await say('image_generation.completed', { usage: told.usage });
    }
    response.end();
  }
}

function refusalOf({ model, prompt, n, stream, partial_images: partials }: ImagesRequest): Refusal | null {
  if (typeof prompt !== 'string' || prompt === '') return { message: 'An image needs a prompt.', param: 'prompt' };
  if (!isWithin(n, 1, MOST_IMAGES)) return { message: `'n' is between 1 and ${MOST_IMAGES}.`, param: 'n' };
  if (model === 'dall-e-3' && numberOr(n, 1) > 1) {
    return { message: 'You must provide n=1 for this model.', param: 'n' };
  }
  if (stream === true && !isGptImage(model)) {
    return { message: 'Only the GPT image models can stream images.', param: 'stream' };
  }
  if (!isWithin(partials, 0, MOST_PARTIAL_IMAGES)) {
    return { message: `'partial_images' is between 0 and ${MOST_PARTIAL_IMAGES}.`, param: 'partial_images' };
  }
  return null;
}

function isGptImage(model: unknown): boolean {
  return typeof model === 'string' && GPT_IMAGE.test(model);
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return (
    value === undefined ||
    value === null ||
    (Number.isInteger(value) && least <= Number(value) && Number(value) <= most)
  );
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/** About four characters to a token, as for chats. */
function usageOf(prompt: string, images: number): object {
  const asked = Math.max(1, Math.ceil(prompt.length / 4));
  const drawn = TOKENS_OF_AN_IMAGE * images;
  return {
    input_tokens: asked,
    input_tokens_details: { text_tokens: asked, image_tokens: 0 },
    output_tokens: drawn,
    total_tokens: asked + drawn,
  };
}
