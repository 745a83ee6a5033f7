/** Gateways whose policy has a semantic tier, a provider that knows a few things, and how the tier comes to serve. */
import { LLMock } from '@copilotkit/aimock';
import { startRedis, until, type TestRedis } from '@promptsales/test-kit';
import { DEFAULT_POLICY, type CachePolicy, type SemanticPolicy } from '../src/index.js';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';

const ANSWER = { id: 'chatcmpl-fixed', created: 7, systemFingerprint: 'fp_1' };
export const THINGS = ['water', 'iron', 'gold', 'mercury', 'ethanol', 'helium', 'sulfur', 'lead', 'neon', 'butane'];

/** Half of what is served may be wrong: eight right answers show it, and bear a wrong one. */
export const LENIENT: SemanticPolicy = { enabled: true, delta: 0.5, embedder: 'lexical' };

/** Nothing is given up on a busy machine, but where a test is about that. */
const PATIENT = { deadlineMs: 60_000, embedder: { timeoutMs: 60_000, restMs: 10_000 } };

type Settings = NonNullable<GatewayProcessOptions['semantic']>['settings'];

export class SemanticStage {
  redis!: TestRedis;
  /** What chance draws: at 0 the provider is asked whatever could be served, at 1 it is not. */
  drawn = 1;
  readonly #mock = new LLMock({ port: 0, chunkSize: 5 });
  readonly #running: GatewayProcess[] = [];

  /** For all tests of a file. Each has a Redis of its own. */
  static forAll(): SemanticStage {
    const stage = new SemanticStage();
    beforeAll(() => stage.#open());
    beforeEach(() => stage.#reset());
    afterEach(() => stage.#stopAll());
    afterAll(() => stage.#mock.stop());
    return stage;
  }

  async start(semantic: SemanticPolicy | undefined, settings: Settings = {}): Promise<GatewayProcess> {
    const policy: CachePolicy = semantic === undefined ? DEFAULT_POLICY : { ...DEFAULT_POLICY, semantic };
    const started = await GatewayProcess.start({
      redisUrl: this.redis.url,
      providerUrl: `${this.#mock.url}/v1`,
      policies: [policy],
      semantic: { random: () => this.drawn, settings: { ...PATIENT, ...settings } },
    });
    this.#running.push(started);
    return started.redisUp();
  }

  async ask(gateway: GatewayProcess, content: unknown, more: object = {}, headers = {}): Promise<string> {
    const response = await gateway.post(body(content, more), headers);
    await response.text();
    if (response.status !== 200) throw new Error(`answered with ${response.status}`);
    return String(response.headers.get('x-cache'));
  }

  /** Asks a question for the first time, and waits until its answer may serve others. */
  async stored(gateway: GatewayProcess, content: string, more: object = {}, headers = {}): Promise<void> {
    const before = told(gateway, 'learnt');
    this.drawn = 0;
    await this.ask(gateway, content, more, headers);
    await until(() => told(gateway, 'learnt') > before);
    this.drawn = 1;
  }

  /** Pairs of wordings with one answer, until answers of one are known to do for the other. */
  async taught(gateway: GatewayProcess, more: object = {}, headers = {}): Promise<void> {
    for (const thing of THINGS.slice(0, 8)) {
      const compared = told(gateway, 'compared true');
      await this.stored(gateway, `What is the boiling point of ${thing} then?`, more, headers);
      await this.stored(gateway, `What's the boiling point of ${thing}, then?`, more, headers);
      await until(() => told(gateway, 'compared true') > compared);
    }
  }

  async #open(): Promise<void> {
    for (const thing of THINGS) {
      this.#mock.onMessage(new RegExp(thing), { content: `That of ${thing} is known.`, ...ANSWER });
    }
    this.#mock.onMessage(/./, { content: 'It depends.', ...ANSWER });
    await this.#mock.start();
  }

  async #reset(): Promise<void> {
    this.drawn = 1;
    this.redis = await startRedis();
    this.#mock.clearRequests();
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((process) => process.stop()));
  }
}

export function body(content: unknown, more: object = {}): object {
  return { model: 'gpt-4o', messages: [{ role: 'user', content }], ...more };
}

export function told(gateway: GatewayProcess, event: string): number {
  return gateway.events.filter((one) => one === event).length;
}
