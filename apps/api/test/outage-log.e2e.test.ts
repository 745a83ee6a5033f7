import { ROLES } from '@promptsales/cache-core';
import { startSimulatedProvider, type SimulatedProvider } from '@promptsales/simulated-provider';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import { BuiltProcess, buildApplications, endProcesses } from './built-process.js';
import { SECRETS } from './test-api.js';

const REQUESTS = 200;
/** One for each database of the keyspace. */
const LINKS = Object.keys(ROLES);

describe('the log of a process', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let provider: SimulatedProvider;

  beforeAll(async () => {
    await buildApplications();
    [redis, database, provider] = await Promise.all([startRedis(), createDatabase(), startSimulatedProvider()]);
  });

  afterAll(async () => {
    await endProcesses();
    await provider.stop();
  });

  it('trap 8: an outage of Redis is told by its changes, not by its requests', async () => {
    const api = new BuiltProcess('api', {
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      HEALTH_CHECK_INTERVAL: '1',
      OPENAI_BASE_URL: provider.openaiBaseUrl,
      OPENAI_API_KEY: SECRETS.upstreamKey,
    });
    const address = await api.ready();
    const ask = async (n: number): Promise<number> => {
      const answer = await fetch(`${address}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRETS.adminKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'gpt-4o-mini',
          messages: [{ role: 'user', content: `question ${n}` }],
          stream: n % 2 === 0,
        }),
      });
      await answer.text();
      return answer.status;
    };
    const askMany = async (from: number): Promise<void> => {
      for (let n = from; n < from + REQUESTS; n += 20) {
        const statuses = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(n + at)));
        expect(new Set(statuses)).toEqual(new Set([200]));
      }
    };
    const linesOf = (from: number): string[] => api.stderr.slice(from).trimEnd().split('\n');

    await askMany(0);
    const killedAt = api.stderr.length;
    await redis.kill();
    await askMany(REQUESTS);
    await api.said(/Redis is gone/);
    const ofKill = linesOf(killedAt);
    const frozenAt = await appearAgain(api, redis);
    redis.freeze();
    await askMany(2 * REQUESTS);
    await untilAllAre(api, 'Redis is gone', frozenAt);
    const ofFreeze = linesOf(frozenAt);
    redis.thaw();
    expect(ofKill.filter((line) => line.includes('Redis is gone'))).toHaveLength(1);
    // Each link notices by a time-out of its own, and once: those that do so about together are told of together.
    const gone = ofFreeze.flatMap((line) => {
      const { msg, links = [] } = JSON.parse(line) as { msg: string; links?: string[] };
      return msg === 'Redis is gone' ? links : [];
    });
    expect(gone.toSorted()).toEqual([...new Set(gone)].toSorted());
    for (const lines of [ofKill, ofFreeze]) {
      expect(lines.length).toBeLessThanOrEqual(REQUESTS / 10);
      expect(lines.join('\n')).not.toMatch(/"stack"|\n +at /);
    }
  });
});

/** Starts Redis again and waits until every link has it. Resolves with how much was said by then. */
async function appearAgain(api: BuiltProcess, redis: TestRedis): Promise<number> {
  const from = api.stderr.length;
  await redis.restart();
  await api.said(/healthy again/);
  await untilAllAre(api, 'Redis is there', from);
  return api.stderr.length;
}

/** Waits until lines with this text have named every link. */
async function untilAllAre(api: BuiltProcess, text: string, from: number): Promise<void> {
  const named = (): Set<string> =>
    new Set(
      [...api.stderr.slice(from).matchAll(/^\{.*\}$/gm)]
        .map(([line]) => JSON.parse(line) as { msg: string; links?: string[] })
        .flatMap(({ msg, links = [] }) => (msg === text ? links : [])),
    );
  while (named().size < LINKS.length) {
    await new Promise((resolve) => api.child.stderr?.once('data', resolve));
  }
}
