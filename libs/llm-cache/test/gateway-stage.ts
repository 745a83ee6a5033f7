import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';
import { question } from './questions.js';
import { HELLO, StreamProvider } from './stream-provider.js';

/** One process of the gateway in front of a provider that answers as a test says. */
export class GatewayStage {
  provider!: StreamProvider;
  gateway!: GatewayProcess;
  #redis!: TestRedis;

  /** For all tests of a file. */
  static forAll(): GatewayStage {
    const stage = new GatewayStage();
    beforeAll(() => stage.#start());
    afterAll(() => stage.#stop());
    beforeEach(() => stage.#reset());
    return stage;
  }

  /** Asks, and has the provider answer. */
  async answered(body: unknown, headers: Record<string, string> = {}, stream = HELLO): Promise<Response> {
    const pending = this.gateway.post(body, headers);
    (await this.provider.next()).end(stream);
    return pending;
  }

  /** Asks once and has it stored. */
  async known(more: object = {}): Promise<Record<string, unknown>> {
    const body = question(more);
    await (await this.answered(body)).text();
    this.provider.reset();
    return body;
  }

  /** The same, of an answer that is too old for `max-age=0`. */
  async old(more: object = {}): Promise<Record<string, unknown>> {
    const body = await this.known(more);
    await this.gateway.untilOlder(body, 0);
    return body;
  }

  /** Another process in front of the same provider. */
  async start(options: Partial<GatewayProcessOptions> = {}): Promise<GatewayProcess> {
    const gateway = await GatewayProcess.start({
      redisUrl: this.#redis.url,
      providerUrl: this.provider.baseUrl,
      ...options,
    });
    return gateway.redisUp();
  }

  async #start(): Promise<void> {
    this.#redis = await startRedis();
    this.provider = await StreamProvider.start();
    this.gateway = await this.start({
      policies: [
        { name: 'default', match: {}, mode: 'all', share: 'tenant' },
        { name: 'off', match: { model: 'off-model' }, mode: 'off', share: 'tenant' },
        { name: 'own', match: { model: 'own-model' }, mode: 'all', share: 'key' },
      ],
    });
  }

  #reset(): void {
    this.provider.reset();
    this.gateway.events.length = 0;
  }

  async #stop(): Promise<void> {
    await this.gateway.stop();
    await this.provider.stop();
  }
}

export function cacheHeaders(response: Response): (string | null)[] {
  return [response.headers.get('x-cache'), response.headers.get('cache-status'), response.headers.get('age')];
}

/** What `cacheHeaders` are of a hit that is kept for a week. */
export const HIT = [
  'HIT',
  expect.stringMatching(/^promptsales; hit; ttl=60(4800|4[67]\d\d)$/),
  expect.stringMatching(/^\d+$/),
];
