/** The gateway on a Redis Cluster: what it promises on one server holds there, while nodes die too. */
import { setTimeout as pause } from 'node:timers/promises';
import { startRedisCluster, type TestRedisCluster, until } from '@promptsales/test-kit';
import { GatewayProcess } from './gateway-process.js';
import { RawProvider } from './raw-provider.js';
import {
  EventReader,
  HELLO,
  ROLE,
  say,
  STOP,
  DONE,
  StreamProvider,
  USAGE_CHUNK,
  withoutUsage,
} from './stream-provider.js';

describe('the gateway on a cluster', () => {
  let cluster: TestRedisCluster;
  let provider: StreamProvider;
  let processes: [GatewayProcess, GatewayProcess];

  const question = (content: string, more: object = {}) => ({
    model: 'gpt-4o',
    messages: [{ role: 'user', content }],
    ...more,
  });

  beforeAll(async () => {
    [cluster, provider] = await Promise.all([startRedisCluster({ nodeTimeoutMs: 1500 }), StreamProvider.start()]);
  });

  afterAll(() => provider.stop());

  beforeEach(async () => {
    const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const start = async () =>
      (await GatewayProcess.start({ redisUrl: { cluster: nodes }, providerUrl: provider.baseUrl })).redisUp();
    processes = await Promise.all([start(), start()]);
  });

  afterEach(async () => {
    await Promise.all(processes.map((process) => process.stop()));
    provider.reset();
    await cluster.untilWhole();
  });

  it('makes one call for questions of two processes, follows its stream, and then answers from the cache', async () => {
    const [a, b] = processes;
    const leading = a.post(question('same', { stream: true }));
    const call = await provider.next();
    const following = b.post(question('same', { stream: true }));
    call.say(ROLE, say('Hel'));
    const readers = [new EventReader(await leading), new EventReader(await following)];
    await Promise.all(readers.map((reader) => reader.until('Hel')));
    call.end(say('lo'), STOP, USAGE_CHUNK, DONE);
    for (const reader of readers) expect(await reader.rest()).toBe(withoutUsage(HELLO));
    expect(provider.calls).toBe(1);
    for (const process of processes) {
      const again = await process.post(question('same'));
      expect([again.status, again.headers.get('x-cache')]).toEqual([200, 'HIT']);
    }
  });

  it('answers every question while a primary dies and its replica takes over', async () => {
    const wanted = Array.from({ length: 30 }, (_, n) => question(`question ${n}`));
    const ready = await RawProvider.start((_call, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(HELLO);
    });
    for (const { target } of processes) target.baseUrl = ready.baseUrl;
    const over = new AbortController();
    const statuses: number[] = [];
    const asking = processes.map(async (process) => {
      while (!over.signal.aborted) {
        const answers = await Promise.all(wanted.map((body) => process.post(body)));
        for (const answer of answers) {
          statuses.push(answer.status);
          await answer.arrayBuffer();
        }
        await pause(5);
      }
    });
    const further = async (answers: number): Promise<void> => {
      const enough = statuses.length + answers;
      await until(() => statuses.length >= enough, 90_000);
    };
    await further(60);
    const [lost] = await cluster.primaries();
    const heir = await cluster.replicaOf(lost as NonNullable<typeof lost>);
    await lost?.kill();
    while (!(await cluster.primaries()).includes(heir)) await pause(50);
    await Promise.all(processes.map((process) => process.redisUp()));
    await further(60);
    over.abort();
    await Promise.all(asking);
    expect(new Set(statuses)).toEqual(new Set([200]));
    const hits = await Promise.all(wanted.map((body) => processes[1].post(body)));
    expect(new Set(hits.map(({ status }) => status))).toEqual(new Set([200]));
    await lost?.restart();
    await ready.stop();
  });
});
