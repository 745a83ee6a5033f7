/** The official SDK twice: at a provider, and at the gateway in front of it. */
import type { LLMock } from '@copilotkit/aimock';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import OpenAI from 'openai';
import { GatewayProcess } from './gateway-process.js';

type Fixture = Parameters<LLMock['onMessage']>[1];

export const LIMITED: Fixture = {
  error: { message: 'Slow down.', type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  status: 429,
  retryAfter: 7,
};

export class SdkPair {
  private constructor(
    readonly redis: TestRedis,
    readonly gateway: GatewayProcess,
    /** At the provider itself. */
    readonly direct: OpenAI,
  ) {}

  /** @param providerUrl as the SDK takes it, ending in `/v1` */
  static async at(providerUrl: string, direct = providerUrl): Promise<SdkPair> {
    const redis = await startRedis();
    const gateway = await (await GatewayProcess.start({ redisUrl: redis.url, providerUrl })).redisUp();
    return new SdkPair(redis, gateway, new OpenAI({ baseURL: direct, apiKey: 'k', maxRetries: 0 }));
  }

  /** At the gateway, which replays streams at this pace. */
  paced(pace: string): OpenAI {
    return this.gateway.openai.withOptions({ defaultHeaders: { 'x-cache-replay': pace } });
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.redis.kill();
  }
}
