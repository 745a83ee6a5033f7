/** A provider whose streams a test steers event by event. */
import type { ServerResponse } from 'node:http';
import { RawProvider, type ProviderCall } from './raw-provider.js';

const BASE = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-2024' };
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };

export function chunk(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ ...BASE, choices, usage: null })}\n\n`;
}

export const ROLE = chunk({ role: 'assistant', content: '' });
export const STOP = chunk({}, 'stop');
export const USAGE_CHUNK = `data: ${JSON.stringify({ ...BASE, choices: [], usage: USAGE })}\n\n`;
export const DONE = 'data: [DONE]\n\n';

export function say(text: string): string {
  return chunk({ content: text });
}

/** What a client gets who did not ask for usage. */
export function withoutUsage(stream: string): string {
  return stream.replaceAll(',"usage":null', '').replace(USAGE_CHUNK, '');
}

export const HELLO = ROLE + say('Hel') + say('lo') + STOP + USAGE_CHUNK + DONE;

/** Calls that wait to be answered. */
export class StreamProvider {
  readonly raw: RawProvider;
  readonly open: Conversation[] = [];
  #arrived: (() => void)[] = [];

  private constructor(raw: RawProvider) {
    this.raw = raw;
  }

  static async start(): Promise<StreamProvider> {
    const raw = await RawProvider.start(() => undefined);
    const provider = new StreamProvider(raw);
    raw.answers((call, response) => {
      provider.open.push(new Conversation(call, response));
      for (const arrived of provider.#arrived.splice(0)) arrived();
    });
    return provider;
  }

  get baseUrl(): string {
    return this.raw.baseUrl;
  }

  get calls(): number {
    return this.raw.calls.length;
  }

  /** The next call that nobody has taken yet. */
  async next(): Promise<Conversation> {
    while (this.open.length === 0) {
      await new Promise<void>((resolve) => {
        this.#arrived.push(resolve);
      });
    }
    return this.open.shift() as Conversation;
  }

  reset(): void {
    this.raw.calls.length = 0;
    this.open.length = 0;
  }

  stop(): Promise<void> {
    return this.raw.stop();
  }
}

export class Conversation {
  readonly closed: Promise<void>;

  constructor(
    readonly call: ProviderCall,
    readonly response: ServerResponse,
  ) {
    this.closed = new Promise((resolve) => {
      response.once('close', resolve);
    });
  }

  say(...events: string[]): void {
    if (!this.response.headersSent) this.response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) this.response.write(event);
  }

  end(...events: string[]): void {
    this.say(...events);
    this.response.end();
  }

  json(status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  die(): void {
    this.response.socket?.resetAndDestroy();
  }
}

/** Reads a response of events piece by piece. */
export class EventReader {
  #text = '';
  readonly #pieces: AsyncIterator<Uint8Array>;

  constructor(response: Response) {
    this.#pieces = (response.body as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  }

  get text(): string {
    return this.#text;
  }

  /** Everything so far, once it contains this. */
  async until(part: string): Promise<string> {
    while (!this.#text.includes(part)) {
      const next = await this.#pieces.next();
      if (next.done === true) throw new Error(`the stream ended without ${part}: ${this.#text}`);
      this.#text += Buffer.from(next.value).toString();
    }
    return this.#text;
  }

  async rest(): Promise<string> {
    for (let next = await this.#pieces.next(); next.done !== true; next = await this.#pieces.next()) {
      this.#text += Buffer.from(next.value).toString();
    }
    return this.#text;
  }
}
