import { startRedis } from '@promptsales/test-kit';
import { GatewayProcess } from './gateway-process.js';
import { question } from './questions.js';
import { HELLO, StreamProvider } from './stream-provider.js';

/** One process of the gateway in front of a provider that answers as a test says. */
export class GatewayStage {
  provider!: StreamProvider;
  gateway!: GatewayProcess;

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

  async #start(): Promise<void> {
    const redis = await startRedis();
    this.provider = await StreamProvider.start();
    const gateway = await GatewayProcess.start({
      redisUrl: redis.url,
      providerUrl: this.provider.baseUrl,
      upstream: { timeoutMs: 3000, idleTimeoutMs: 1500 },
      policies: [
        { name: 'default', match: {}, mode: 'all', share: 'tenant' },
        { name: 'off', match: { model: 'off-model' }, mode: 'off', share: 'tenant' },
        { name: 'own', match: { model: 'own-model' }, mode: 'all', share: 'key' },
      ],
    });
    this.gateway = await gateway.redisUp();
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
  expect.stringMatching(/^promptsales; hit; ttl=60479\d$|^promptsales; hit; ttl=604800$/),
  expect.stringMatching(/^\d+$/),
];
