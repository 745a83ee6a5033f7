/** Embeddings over HTTP through two processes on one Redis, and the provider behind them. */
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import OpenAI from 'openai';
import { EmbeddingsProvider } from './embeddings-provider.js';
import { GatewayProcess } from './gateway-process.js';

export const MODEL = 'text-embedding-3-small';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    data: { embedding: number[] | string; index: number }[];
    usage: unknown;
    model: string;
    error: unknown;
  };
}

export class EmbeddingsStage {
  redis!: TestRedis;
  provider!: EmbeddingsProvider;
  gateway!: GatewayProcess;
  other!: GatewayProcess;
  /** The SDK without us. */
  direct!: OpenAI;
  #named = 0;

  /** For all tests of a file. */
  static forAll(): EmbeddingsStage {
    const stage = new EmbeddingsStage();
    beforeAll(() => stage.#start());
    afterAll(() => stage.#stop());
    beforeEach(() => stage.#reset());
    return stage;
  }

  /** Texts that no test before has asked for. */
  texts(count: number): string[] {
    this.#named += 1;
    return Array.from({ length: count }, (_none, at) => `text ${this.#named} ${'x'.repeat(at)} ${at}`);
  }

  async embed(
    input: unknown,
    headers: Record<string, string> = {},
    more: object = {},
    to = this.gateway,
  ): Promise<Answer> {
    const response = await fetch(`${to.url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer k1', ...headers },
      body: JSON.stringify({ model: MODEL, input, ...more }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
  }

  async #start(): Promise<void> {
    this.provider = await EmbeddingsProvider.start();
    this.redis = await startRedis();
    const start = async (): Promise<GatewayProcess> =>
      (await GatewayProcess.start({ redisUrl: this.redis.url, providerUrl: this.provider.baseUrl })).redisUp();
    [this.gateway, this.other] = await Promise.all([start(), start()]);
    this.direct = new OpenAI({ baseURL: this.provider.baseUrl, apiKey: 'k', maxRetries: 0 });
  }

  async #stop(): Promise<void> {
    await Promise.all([this.gateway.stop(), this.other.stop()]);
    await this.provider.stop();
  }

  #reset(): void {
    this.provider.calls.length = 0;
    this.gateway.ledger.calls.length = 0;
    this.gateway.ledger.hits.length = 0;
  }
}

export const cacheOf = ({ headers }: Answer): string | null => headers.get('x-cache');
