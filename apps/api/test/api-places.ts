import { startSimulatedProvider, type SimulatedProviderOptions } from '@promptsales/simulated-provider';
import { createDatabase, startRedis, type TestRedis } from '@promptsales/test-kit';
import { testApi, type TestApi } from './test-api.js';

/** What APIs stand on: a simulated provider, Redis and PostgreSQL. */
export interface ApiPlaces {
  readonly redis: TestRedis;
  /** One more on the same places; `env` replaces or adds variables. */
  api(env?: NodeJS.ProcessEnv): Promise<TestApi>;
  /** Ends the APIs, and then what they stood on. */
  stop(): Promise<void>;
}

export async function apiPlaces(options: SimulatedProviderOptions = {}): Promise<ApiPlaces> {
  const provider = await startSimulatedProvider(options);
  const [redis, database] = await Promise.all([startRedis(), createDatabase()]);
  const apis: TestApi[] = [];
  return {
    redis,
    api: async (env = {}) => {
      const api = await testApi({
        REDIS_URL: redis.url,
        DATABASE_URL: database.url,
        OPENAI_BASE_URL: `${provider.url}/v1`,
        SIMULATED_UPSTREAM: 'true',
        ...env,
      });
      apis.push(api);
      return api;
    },
    stop: async () => {
      await Promise.all(apis.map((api) => api.close()));
      await Promise.all([redis.stop(), database.drop(), provider.stop()]);
    },
  };
}
