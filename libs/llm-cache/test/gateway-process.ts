/** One API process, as far as the gateway is concerned: its routes on a port, on real Redis, with a ledger in memory. */
import 'reflect-metadata';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  Breakers,
  Cache,
  RedisRoles,
  type BreakerSettings,
  type CacheSettings,
  type LinkTimes,
  type RedisHome,
} from '@promptsales/cache-core';
import { until } from '@promptsales/test-kit';
import OpenAI from 'openai';
import {
  LlmCacheModule,
  MemoryLedger,
  PolicyTable,
  type CachePolicy,
  type FlightBounds,
  type Prices,
  type ResponseMakers,
  type LlmCacheOptions,
  type UpstreamSettings,
  type UpstreamTarget,
} from '../src/index.js';

export interface GatewayProcessOptions {
  readonly redisUrl: string | RedisHome;
  /** Where the cache lies, if not with the rest. */
  readonly llmRedisUrl?: string;
  readonly providerUrl: string;
  /** @default 'openai' */
  readonly provider?: string;
  readonly policies?: readonly CachePolicy[];
  /** @default a lease that outlasts any stop of a busy machine: who has lost his makes another call */
  readonly cache?: Partial<CacheSettings>;
  /** @default a Redis on a busy machine is waited for */
  readonly times?: Partial<LinkTimes>;
  /** @default that an answer is stored is waited for, however long it takes */
  readonly bounds?: Partial<FlightBounds>;
  readonly upstream?: Partial<UpstreamSettings>;
  /** @default no breakers */
  readonly breaker?: Partial<BreakerSettings>;
  readonly bodyLimitBytes?: number;
  /** @default not long: what a test leaves open is nothing to wait for */
  readonly shutdownMs?: number;
  readonly prices?: Prices;
  readonly semantic?: LlmCacheOptions['semantic'];
}

/** As the ledger in PostgreSQL knows them, at once. */
function makersIn({ calls }: MemoryLedger): ResponseMakers {
  return {
    of: (id) =>
      Promise.resolve(calls.filter(({ outcome }) => outcome?.responseId === id).map(({ facts }) => ({ ...facts }))),
    tell: () => Promise.resolve(),
  };
}

export class GatewayProcess {
  readonly events: string[] = [];
  #asked = 0;

  private constructor(
    readonly url: string,
    readonly ledger: MemoryLedger,
    readonly cache: Cache,
    readonly roles: RedisRoles,
    /** May be changed while it runs. */
    readonly target: { -readonly [Name in keyof UpstreamTarget]: UpstreamTarget[Name] },
    readonly app: NestFastifyApplication,
    /** Of each hit: from which tier it was served. */
    readonly tiers: readonly string[],
    readonly breakers: Breakers | null,
    /** The family of each look at an entry in Redis. */
    readonly looks: readonly string[],
  ) {}

  static async start(options: GatewayProcessOptions): Promise<GatewayProcess> {
    const roles = new RedisRoles({
      ...(typeof options.redisUrl === 'string' ? { url: options.redisUrl } : options.redisUrl),
      ...(options.llmRedisUrl === undefined ? {} : { urls: { llm: options.llmRedisUrl } }),
      layout: 'databases',
      times: { commandTimeoutMs: 10_000, ...options.times },
    }).open();
    const tiers: string[] = [];
    const looks: string[] = [];
    const settings: Partial<CacheSettings> = { leaseMs: 60_000, ...options.cache };
    const cache = new Cache(roles, settings, {
      hit: (_family, tier) => void tiers.push(tier),
      lookupSeconds: (family) => void looks.push(family),
    });
    const ledger = new MemoryLedger();
    const { provider = 'openai' } = options;
    const target = { provider, baseUrl: options.providerUrl, apiKey: 'sk-upstream', simulated: true };
    const events: string[] = [];
    const breakers = options.breaker === undefined ? null : new Breakers(roles, { breaker: options.breaker });
    const { policies, upstream = {}, bodyLimitBytes = 10 * 1024 * 1024 } = options;
    const module = LlmCacheModule.forRoot({
      cache,
      roles,
      ledger,
      upstreams: { targetFor: () => target },
      makers: makersIn(ledger),
      ...(policies === undefined ? {} : { policies: new PolicyTable(policies) }),
      callerOf: ({ headers }) => {
        process.#asked += 1;
        return {
          tenant: String(headers['x-test-tenant'] ?? 'acme'),
          keyId: headers['authorization'] ?? 'none',
          client: 'test',
        };
      },
      upstream,
      ...(options.prices === undefined ? {} : { prices: options.prices }),
      ...(breakers === null ? {} : { breakers }),
      bounds: { holdMs: 60_000, ...options.bounds },
      bodyLimitBytes,
      ...(options.semantic === undefined ? {} : { semantic: options.semantic }),
      shutdownMs: options.shutdownMs ?? 500,
      observer: {
        answered: (outcome, form) => void events.push(`${outcome} ${form}`),
        kept: (result) => void events.push(`kept ${result}`),
        upstream: (outcome) => void events.push(`upstream ${outcome}`),
        attached: (side) => void events.push(`attached ${side}`),
        semantic: (outcome) => void events.push(`semantic ${outcome}`),
        learnt: () => void events.push('learnt'),
        compared: (right) => void events.push(`compared ${right}`),
        unlearnt: () => void events.push('unlearnt'),
        embedderFailed: (code) => void events.push(code),
        failed: (error) => void events.push(`failed ${String(error)}`),
      },
    });
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const process: GatewayProcess = new GatewayProcess(
      await app.getUrl(),
      ledger,
      cache,
      roles,
      target,
      app,
      tiers,
      breakers,
      looks,
    );
    process.events.push(...events);
    events.push = (...more) => process.events.push(...more);
    return process;
  }

  /** How many requests have reached it. */
  get asked(): number {
    return this.#asked;
  }

  /** When so many requests have reached it, and each has come as far as it can without an answer of the provider. */
  async settled(asked: number): Promise<void> {
    await until(() => this.#asked >= asked);
    // On its way each asks Redis, again and again perhaps: all have been answered when none has looked for a while.
    const link = this.roles.link('llm');
    for (let [quiet, looks] = [0, -1]; quiet < 10; quiet = looks === this.looks.length ? quiet + 1 : 0) {
      looks = this.looks.length;
      await link.onEachNode(async (node) => void (await node.read((client) => client.ping()))).catch(() => undefined);
      await nextTurn();
    }
  }

  /** When an answer is older than so many seconds by Redis's clock, as this process knows it. */
  async untilOlder(body: object, seconds: number, route?: string): Promise<void> {
    const control = { 'cache-control': `only-if-cached, max-age=${seconds}` };
    await until(async () => {
      const answer = await this.post(body, control, null, route);
      await answer.arrayBuffer();
      return answer.status === 504;
    });
  }

  get openai(): OpenAI {
    return new OpenAI({ baseURL: `${this.url}/v1`, apiKey: 'k1', maxRetries: 0 });
  }

  post(
    body: unknown,
    headers: Record<string, string> = {},
    signal: AbortSignal | null = null,
    route = '/v1/chat/completions',
  ): Promise<Response> {
    return fetch(`${this.url}${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer k1', ...headers },
      body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      signal,
    });
  }

  async redisUp(): Promise<this> {
    await Promise.all(this.roles.links().map((link) => link.untilUp(30_000)));
    return this;
  }

  async stop(): Promise<void> {
    await this.app.close();
    this.breakers?.close();
    this.cache.close();
    await this.roles.close();
  }
}
