import {
  Cache,
  encodeValue,
  keyspace,
  PlainValues,
  queueKeys,
  RedisRoles,
  type RedisHome,
} from '@promptsales/cache-core';
import { startRedis, startRedisCluster, type TestRedis, type TestRedisCluster } from '@promptsales/test-kit';
import { lint } from '../src/lint/command.js';
import type { Finding } from '../src/lint/finding.js';

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Report {
  readonly keys: number;
  readonly problems: Readonly<Record<string, number>>;
  readonly untold: number;
  readonly findings: readonly Finding[];
}

const PREFIX = 'ps:';
const HASH = 'd'.repeat(64);

/** What the platform writes, and what can be wrong with it, as `redis-cli` would do it. */
class Ground {
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly plain: PlainValues;

  constructor(home: RedisHome) {
    this.roles = new RedisRoles(home).open();
    this.cache = new Cache(this.roles, { keyPrefix: PREFIX });
    this.plain = new PlainValues(this.roles, { keyPrefix: PREFIX });
  }

  async sound(): Promise<void> {
    const { appValue, surfsense, contentById, llmModelInfo, modelUsage, queueAiGeneration } = keyspace;
    const content = {
      campana_id: 'c',
      cliente_id: 'c',
      descripcion: 'd',
      hashtags: [],
      formato: 'png',
      aprobado: true,
      created_at: 'now',
    };
    await this.cache.put(
      { ref: appValue.at({ key: 'k' }), labels: { tags: ['t'] } },
      { stored: encodeValue(appValue, 1) },
    );
    await this.cache.put(
      { ref: surfsense.at({ empresa_normalizada: 'a' }, 'acme') },
      { stored: encodeValue(surfsense, {}) },
    );
    await this.cache.put({ ref: contentById.at({ content_id: 'c' }) }, { stored: encodeValue(contentById, content) });
    const info = { status: 'up', last_check: 1, avg_response_time: null };
    await this.cache.put(
      { ref: llmModelInfo.at({ provider: 'p', model: 'm' }) },
      { stored: encodeValue(llmModelInfo, info) },
    );
    const models = keyspace.llmModels.at({ hash: HASH }, 'acme');
    await this.cache.put({ ref: models }, { stored: encodeValue(keyspace.llmModels, {}) });
    await this.plain.write(modelUsage.at({ model: 'm', date: '2026-01-31' }), 3, 600);
    await this.plain.write(queueAiGeneration.at({ priority: 'low' }), [{ campana_id: 1, segmento: 1 }], null);
    // Of somebody else, on the same server; and of somebody who may.
    await this.set('cache', 'others:x', 'x');
    await this.set('cache', `${PREFIX}app:theirs`, '1', 600);
  }

  set(
    role: 'cache' | 'llm' | 'analytics' | 'sessions' | 'state',
    key: string,
    value: string,
    ttlSeconds?: number,
  ): Promise<unknown> {
    return this.roles
      .link(role)
      .readAt(key, (client) =>
        ttlSeconds === undefined ? client.set(key, value) : client.set(key, value, 'EX', ttlSeconds),
      );
  }

  async close(): Promise<void> {
    this.cache.close();
    await this.roles.close();
  }
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Told> {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const code = await lint(args, { KEY_PREFIX: PREFIX, ...env }, terminal);
  return { code, out, err };
}

async function findings(
  env: NodeJS.ProcessEnv,
  args: readonly string[] = [],
): Promise<Report & { readonly code: number }> {
  const { code, out, err } = await run(['--json', ...args], env);
  // How far it has come is told of a look that takes a while, which any may on a busy machine.
  expect(err.replaceAll(/^\w+: \d+ of \d+ keys, \d+ findings so far\n/gm, '')).toBe('');
  return { code, ...(JSON.parse(out) as Report) };
}

describe.each([['one server'], ['a cluster']])('npm run keyspace -- lint on %s', (place) => {
  let redis: TestRedis | undefined;
  let cluster: TestRedisCluster | undefined;
  let ground: Ground;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    if (place === 'one server') {
      redis = await startRedis();
      env = { REDIS_URL: redis.url };
      ground = new Ground({ url: redis.url });
    } else {
      cluster = await startRedisCluster({ replicasEach: 0 });
      const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
      env = { REDIS_CLUSTER_NODES: nodes.map(({ host, port }) => `${host}:${port}`).join(',') };
      ground = new Ground({ cluster: nodes });
    }
    await Promise.all(ground.roles.links().map((link) => link.untilUp(30_000)));
  });

  afterAll(async () => {
    await ground.close();
    await redis?.kill();
    await cluster?.stop();
  });

  beforeEach(async () => {
    for (const link of ground.roles.links())
      await link.onEachNode((node) => node.read((client) => client.flushdb()).then(() => undefined));
    await ground.sound();
  });

  it('finds nothing wrong with what the platform writes, nor with what BullMQ keeps for good', async () => {
    await ground.set('state', `${queueKeys.prefixAt(PREFIX)}:ai_generation:meta`, 'x');
    const report = await findings(env);
    expect(report).toMatchObject({ code: 0, problems: {}, findings: [], untold: 0 });
    expect(report.keys).toBeGreaterThan(12);
  });

  it('trap 30: names every kind of wrong, wherever it lies, and no value', async () => {
    const { roles } = ground;
    const at = (role: Parameters<RedisRoles['link']>[0]) => roles.link(role);
    await ground.set('cache', `${PREFIX}nobody:x`, 'sentinel', 600);
    await ground.set('cache', `${PREFIX}app:a:b`, 'sentinel', 600);
    await ground.set('cache', `${PREFIX}app:forever`, '"sentinel"');
    await ground.set('cache', `${PREFIX}surfsense:foreign`, '{"a": "sentinel"}', 600);
    await ground.set('cache', `${PREFIX}surfsense:a`, '{"a": "sentinel"}', 600);
    await ground.set('cache', `${PREFIX}app:broken`, '{sentinel', 600);
    await ground.set('cache', `${PREFIX}app:large`, 'sentinel'.repeat(200_000), 600);
    await ground.set('llm', `${PREFIX}ai:generation:m:${HASH}`, '{"content": "sentinel"}', 600);
    await ground.set('analytics', `${PREFIX}revenue:day:2026-01-31`, 'sentinel', 600);
    await ground.set('analytics', `${PREFIX}revenue:day:2026-01-30`, '1', 500 * 86_400);
    const hash = `${PREFIX}metrics:hour:2026013110`;
    await at('analytics').readAt(hash, (client) => client.rpush(hash, 'sentinel').then(() => client.expire(hash, 600)));
    await ground.set('cache', `${PREFIX}meta:{${PREFIX}app:gone}`, 'x');
    const report = await findings(env);
    expect(report.code).toBe(1);
    const found = report.findings
      .map(({ problem, key, family }) => `${problem} ${key.slice(PREFIX.length)} ${family ?? '-'}`)
      .toSorted();
    expect(found).toEqual(
      [
        'no_family nobody:x -',
        'no_family app:a:b -',
        'no_ttl app:forever app.value',
        'foreign_value surfsense:foreign surfsense',
        'foreign_value surfsense:a surfsense',
        'unreadable_value app:broken app.value',
        'oversized app:large app.value',
        `foreign_value ai:generation:m:${HASH} ai.generation`,
        'unreadable_value revenue:day:2026-01-31 revenue',
        'ttl_too_long revenue:day:2026-01-30 revenue',
        'wrong_type metrics:hour:2026013110 metrics.hour',
        `no_ttl meta:{${PREFIX}app:gone} cache.sidecar`,
      ].toSorted(),
    );
    expect(JSON.stringify(report)).not.toContain('sentinel');
    expect(report.problems).toMatchObject({ no_family: 2, foreign_value: 3, no_ttl: 2 });
  });

  it('looks at names alone when it is told to, with another bound, and counts what it does not tell', async () => {
    await ground.set('cache', `${PREFIX}app:broken`, '{', 600);
    await ground.set('cache', `${PREFIX}app:large`, JSON.stringify('x'.repeat(5000)), 600);
    expect(await findings(env, ['--no-values'])).toMatchObject({ code: 0 });
    expect(await findings(env, ['--no-values', '--max-bytes', '4000'])).toMatchObject({
      code: 1,
      problems: { oversized: 1 },
    });
    for (let n = 0; n < 5; n += 1) await ground.set('cache', `${PREFIX}nobody:${n}`, 'x', 600);
    const report = await findings(env, ['--most', '2']);
    expect([report.problems['no_family'], report.findings.length, report.untold]).toEqual([5, 2, 4]);
  });

  it('changes nothing', async () => {
    const dump = async (): Promise<string[]> => {
      const all: string[] = [];
      for (const link of ground.roles.links()) {
        await link.onEachNode(async (node) => {
          const keys = await node.read((client) => client.keys('*'));
          for (const key of keys) all.push(`${node.name} ${key} ${await node.read((client) => client.dump(key))}`);
        });
      }
      return all.toSorted();
    };
    await ground.set('cache', `${PREFIX}surfsense:foreign`, '{}', 600);
    const before = await dump();
    await findings(env);
    expect(await dump()).toEqual(before);
  });
});

describe('npm run keyspace -- lint', () => {
  let redis: TestRedis;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(() => redis.kill());

  it('finds keys in a database where nobody looks for them', async () => {
    const roles = new RedisRoles({ url: redis.url }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    await roles.link('cache').readAt('x', (client) => client.set('ps:session:u', '{}', 'EX', 600));
    await roles.close();
    const report = await findings({ REDIS_URL: redis.url });
    expect(report.findings).toEqual([
      {
        problem: 'wrong_place',
        key: 'ps:session:u',
        family: 'session',
        place: 'cache',
        detail: 'role sessions lies elsewhere',
      },
    ]);
  });

  it('trap 12: writes no control characters of a key to the terminal', async () => {
    const roles = new RedisRoles({ url: redis.url }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    await roles.link('cache').readAt('x', (client) => client.set('ps:\u001b[2Jno\nfamily', 'x', 'EX', 600));
    await roles.close();
    const { out, code } = await run([], { REDIS_URL: redis.url });
    expect(code).toBe(1);
    expect(out).not.toContain('\u001b');
    expect(out).toMatch(/2 .*keys in [\d.]+ s|no_family\t/);
  });

  it('keeps to its rate, and says how far it has come', async () => {
    const roles = new RedisRoles({ url: redis.url }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    await roles.link('cache').readAt('x', (client) => {
      const pipeline = client.pipeline();
      for (let n = 0; n < 1500; n += 1) pipeline.set(`ps:app:k${n}`, '1', 'EX', 600);
      return pipeline.exec();
    });
    await roles.close();
    const began = performance.now();
    const { err } = await run(['--rate', '1000'], { REDIS_URL: redis.url });
    expect(performance.now() - began).toBeGreaterThan(1400);
    expect(err).toMatch(/cache: \d+ of 15\d\d keys, \d findings so far\n/);
  });

  it('looks at the server that --url names, whatever the variables say', async () => {
    const elsewhere = {
      REDIS_URL: 'redis://127.0.0.1:9',
      REDIS_URL_CACHE: 'redis://127.0.0.1:9',
      REDIS_SENTINELS: 'x:1',
    };
    const roles = new RedisRoles({ url: redis.url }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(30_000)));
    await roles.link('cache').readAt('x', (client) => client.set('ps:app:here', '1', 'EX', 600));
    await roles.close();
    const { keys } = await findings(elsewhere, ['--url', redis.url, '--rate', '100000']);
    expect(keys).toBeGreaterThan(0);
  });

  it('ends with 2 when it cannot look: no Redis, no sense in the options, stopped', async () => {
    expect(await run([], { REDIS_URL: 'redis://127.0.0.1:9' })).toMatchObject({ code: 2, out: '' });
    expect(await run([], {})).toMatchObject({ code: 2, err: expect.stringContaining('REDIS_URL') });
    expect(await run(['--rate', '0'], {})).toMatchObject({ code: 2, err: expect.stringContaining('--rate') });
    expect(await run(['--colour'], {})).toMatchObject({
      code: 2,
      err: expect.stringContaining('npm run keyspace -- lint'),
    });
    const terminal = { out: () => undefined, err: () => undefined };
    expect(await lint([], { REDIS_URL: redis.url }, terminal, AbortSignal.abort())).toBe(2);
  });
});
