import { keyspace, PlainValues, RedisRoles, type KeyRef, type RedisHome } from '../src/index.js';
import { onEveryPlace } from './stage.js';

interface Plain {
  readonly roles: RedisRoles;
  readonly values: PlainValues;
}

const KEY_PREFIX = 'p:';

const PROCESS = {
  start: async (home: RedisHome): Promise<Plain> => {
    const roles = new RedisRoles({ ...home, layout: 'single', times: { commandTimeoutMs: 10_000 } }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
    return { roles, values: new PlainValues(roles, { keyPrefix: KEY_PREFIX }) };
  },
  stop: ({ roles }: Plain): Promise<void> => roles.close(),
};

onEveryPlace('values of families that are no cache', PROCESS, (stage) => {
  const counter = keyspace.modelUsage.at({ model: 'm', date: '2026-01-31' });
  const scores = keyspace.leaderboardContent.at({ campana_id: 'c' });
  const queue = keyspace.queueAiGeneration.at({ priority: 'high' });
  const totals = keyspace.metricsHour.at({ hour: '2026013110' });
  const physical = ({ key }: KeyRef): string => KEY_PREFIX + key;

  test('come back from another process as they were written, and nothing lies beside them', async () => {
    const { a, b } = stage;
    await a.values.write(counter, 3, 60);
    await a.values.write(
      scores,
      new Map([
        ['x', 0.5],
        ['y', -2],
      ]),
      60,
    );
    await a.values.write(totals, { requests: 4 }, 60);
    expect(await b.values.read(counter)).toMatchObject({ kind: 'value', value: 3 });
    expect(await b.values.read(scores)).toMatchObject({
      value: new Map([
        ['x', 0.5],
        ['y', -2],
      ]),
    });
    expect(await b.values.read(totals)).toMatchObject({ value: { requests: 4 } });
    const keys = await Promise.all([counter, scores, totals].map((ref) => stage.raw.exists(`meta:{${physical(ref)}}`)));
    expect(keys).toEqual([0, 0, 0]);
  });

  test('trap 24: get their time to live in the step that writes them', async () => {
    await stage.a.values.write(counter, 1, 60);
    const read = await stage.a.values.read(counter);
    expect(read.kind === 'value' && read.ttlMs !== null && read.ttlMs > 30_000 && read.ttlMs <= 60_000).toBe(true);
    await stage.a.values.write(queue, [{ campana_id: 1, segmento: 's' }], null);
    expect(await stage.a.values.read(queue)).toMatchObject({ kind: 'value', ttlMs: null });
  });

  test.each([0, -1, 1e17, Number.NaN])(
    'trap 5: a time to live of %d is refused, and nothing is written',
    async (ttl) => {
      await expect(stage.a.values.write(counter, 1, ttl)).rejects.toThrow(RangeError);
      expect(await stage.a.values.read(counter)).toEqual({ kind: 'nothing' });
    },
  );

  test('take the place of what lies there, whole and of any type', async () => {
    await stage.raw.set(physical(queue), 'text');
    const many = Array.from({ length: 9001 }, (_, n) => ({ campana_id: n, segmento: null }));
    await stage.a.values.write(queue, many, null);
    await stage.a.values.write(queue, many.slice(1), null);
    expect(await stage.b.values.read(queue)).toMatchObject({ value: many.slice(1) });
  });

  test('trap 10: of another type, or unreadable, are told as such', async () => {
    await stage.raw.rpush(physical(counter), 'x');
    expect(await stage.a.values.read(counter)).toEqual({ kind: 'wrong_type', type: 'list' });
    await stage.raw.hset(physical(totals), 'requests', 'sentinel');
    const read = await stage.a.values.read(totals);
    expect(read).toMatchObject({ kind: 'unreadable' });
    expect(JSON.stringify(read)).not.toContain('sentinel');
    expect(await stage.a.values.read(scores)).toEqual({ kind: 'nothing' });
  });

  test('that are none of the family are refused, and what is there stays', async () => {
    await stage.a.values.write(counter, 1, 60);
    await expect(stage.a.values.write(counter, -1, 60)).rejects.toMatchObject({ code: 'value_shape' });
    await expect(stage.a.values.write(queue, [], null)).rejects.toMatchObject({ code: 'value_shape' });
    expect(await stage.a.values.read(counter)).toMatchObject({ value: 1 });
    expect([await stage.a.values.remove(counter), await stage.a.values.remove(counter)]).toEqual([true, false]);
  });
});
