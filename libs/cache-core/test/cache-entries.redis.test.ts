import { fingerprint, keyspace } from '../src/index.js';
import { app, load } from './app-values.js';
import { cacheProcess, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

const FAMILY_VERSION = 'version:family:default:app.value';

onEveryPlace('what the cache protocol stores', cacheProcess, (stage, place) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  beforeEach(() => void ({ redis, raw, a, b } = stage));

  test('a value is loaded once, stored under its contract key as plain JSON with its TTL, and then hit', async () => {
    const first = await load(a, 'k', { deep: [1, 2] });
    expect(first).toMatchObject({ value: { deep: [1, 2] }, source: 'loaded' });
    expect(await first.stored).toBe('stored');
    expect(await load(b, 'k', 'another')).toMatchObject({ value: { deep: [1, 2] }, source: 'hit' });
    expect(await raw.get('app:k')).toBe('{"deep":[1,2]}');
    expect(await raw.ttl('app:k')).toBeGreaterThan(3590);
    expect((await redis.keys('*')).toSorted()).toEqual(['app:k', 'meta:{app:k}', FAMILY_VERSION]);
  });

  test('a hit is one MGET for each slot, and runs no script', async () => {
    await (
      await load(a, 'k', 1)
    ).stored;
    const executed = await redis.commandsOf(() => load(a, 'k', 2));
    // In a cluster the version of its family lies in another slot.
    expect(executed).toMatchObject({ mget: place === 'a cluster' ? 2 : 1 });
    expect(Object.keys(executed)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(eval|evalsha|get)$/)]));
  });

  test.each([[0], [''], [false], [null], [[]], [{}]])('trap 5: %j is a value like any other', async (value) => {
    await (
      await load(a, 'k', value)
    ).stored;
    expect(await load(b, 'k', 'other')).toMatchObject({ value, source: 'hit' });
  });

  test.each([0, -1, 0.0009, 1e17, Number.NaN, Number.POSITIVE_INFINITY])(
    'trap 5: a TTL of %d is refused before anything is loaded',
    async (ttl) => {
      const loader = jest.fn(async () => 1);
      await expect(a.aside.getOrLoad(app('k'), loader, { ttlSeconds: ttl })).rejects.toThrow(RangeError);
      expect(loader).not.toHaveBeenCalled();
      expect(await redis.keys('*')).toEqual([]);
    },
  );

  test('trap 5: a fractional TTL is kept to the millisecond', async () => {
    const run = jest.spyOn(a.roles.link('cache'), 'run');
    const loaded = await load(a, 'k', 1, { ttlSeconds: 60.5 });
    expect(await loaded.stored).toBe('stored');
    const [, , args] = run.mock.calls.find(([{ name }]) => name === 'ps_store') ?? [];
    expect(args?.[1]).toBe(60_500);
    const left = await raw.pttl('app:k');
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(60_500);
  });

  test('a TTL can follow from the value, and one that cannot be fails the load', async () => {
    const ttlSeconds = (value: unknown): number => Number(value);
    const loaded = await a.aside.getOrLoad(app('k'), async () => 2000, { ttlSeconds });
    expect(await loaded.stored).toBe('stored');
    expect(await raw.ttl('app:k')).toBeGreaterThan(1900);
    expect(await raw.ttl('app:k')).toBeLessThanOrEqual(2000);
    await expect(a.aside.getOrLoad(app('other'), async () => 0, { ttlSeconds })).rejects.toThrow(RangeError);
    expect(await raw.get('app:other')).toBeNull();
  });

  describe('trap 10: what lies at our key and is no value of ours is a counted miss, and is replaced', () => {
    const text = keyspace.llmModels.at({ hash: 'e'.repeat(64) });
    const list = keyspace.aiCampaignMessages.at({ campana_id: 'c1', segmento_hash: 'a'.repeat(64) });
    const ours = { object: 'list', data: [] };
    const messages = [{ numero: 1, texto: 't', tono: 'alegre' }];
    const sidecarOf = ({ key }: { key: string }) => `meta:{${key}}`;
    const loadText = (process: Process) => process.aside.getOrLoad(text, async () => ours);
    const loadList = (process: Process) => process.aside.getOrLoad(list, async () => messages);
    const changeSidecar = async (change: (sidecar: string) => string) => {
      await (
        await loadText(a)
      ).stored;
      await raw.set(sidecarOf(text), change((await raw.get(sidecarOf(text))) as string));
    };

    test.each<[string, string | undefined, () => Promise<unknown>]>([
      // Nothing tells it from nothing, as long as nothing lies beside it: MGET reads no list.
      ['a list', undefined, () => raw.lpush(text.key, 'x')],
      ['a value without a sidecar', 'no_sidecar', () => raw.set(text.key, '{}')],
      [
        'another value beside our sidecar',
        'mismatch',
        async () => (await (await loadText(a)).stored, raw.set(text.key, '{"object":"other"}')),
      ],
      ['a sidecar of a newer version', 'no_sidecar', () => changeSidecar(() => '[99,"default"]')],
      ['another tenant’s sidecar', 'tenant', () => changeSidecar((sidecar) => sidecar.replace('default', 'other'))],
    ])('%s where a text belongs', async (_what, why, put) => {
      await put();
      const loaded = await loadText(b);
      expect(loaded).toMatchObject({ value: ours, source: 'loaded' });
      expect(Object.fromEntries(b.counts)).toMatchObject({ miss: 1, ...(why && { [`unusable ${why}`]: 1 }) });
      expect(await loaded.stored).toBe('stored');
      expect(JSON.parse((await raw.get(text.key)) as string)).toEqual(ours);
    });

    test.each<[string, string, () => Promise<unknown>]>([
      ['a text', 'unreadable', () => raw.set(list.key, 'x')],
      ['a set', 'unreadable', () => raw.sadd(list.key, 'x')],
      ['items of another shape', 'unreadable', () => raw.rpush(list.key, '{"numero":"one"}')],
    ])('%s where a list belongs', async (_what, why, put) => {
      await put();
      const loaded = await loadList(b);
      expect(loaded).toMatchObject({ value: messages, source: 'loaded' });
      expect(b.counts.get(`unusable ${why}`)).toBe(1);
      expect(await loaded.stored).toBe('stored');
      expect(await loadList(a)).toMatchObject({ value: messages, source: 'hit' });
    });
  });

  test('a family that others write to is read without our sidecar, and says that it does not know the age', async () => {
    await raw.set('app:k', '"theirs"', 'EX', 60);
    expect(await load(a, 'k', 'ours')).toMatchObject({ value: 'theirs', source: 'hit', ageSeconds: null });
    await (
      await load(a, 'k2', 'ours')
    ).stored;
    await raw.set('app:k2', '"theirs"', 'KEEPTTL');
    expect(await load(b, 'k2', 'no')).toMatchObject({ value: 'theirs', source: 'hit', ageSeconds: null });
  });

  test('trap 10: a truncated compressed value is a counted miss, even when its sidecar vouches for it', async () => {
    const answer = keyspace.llmResponse.at({ hash: 'd'.repeat(64) });
    const value = { response: 'x'.repeat(5000), model: 'm', tokens: null, timestamp: '2026-01-01T00:00:00.000Z' };
    await (
      await a.aside.getOrLoad(answer, async () => value)
    ).stored;
    const whole = (await raw.getBuffer(answer.key)) as Buffer;
    expect(whole.subarray(0, 4)).toEqual(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]));
    const cut = whole.subarray(0, 20);
    const sidecar = (await raw.get(`meta:{${answer.key}}`)) as string;
    await raw.mset({
      [answer.key]: cut,
      [`meta:{${answer.key}}`]: sidecar.replace(fingerprint(whole), fingerprint(cut)),
    });
    expect(await b.aside.getOrLoad(answer, async () => value)).toMatchObject({ source: 'loaded' });
    expect(b.counts.get('unusable unreadable')).toBe(1);
  });

  test('every Redis type of the keyspace round-trips through its own commands', async () => {
    const meta = keyspace.aiGenerationMeta.at({ campana_id: 'c1', segmento_hash: 'a'.repeat(64) });
    const value = {
      tokens_total: 12,
      cost_total_usd: 0.5,
      tiempo_total_ms: 7,
      segmentos_procesados: 1,
      fecha_generacion: '2026-01-01T00:00:00Z',
    };
    await (
      await a.aside.getOrLoad(meta, async () => value)
    ).stored;
    expect(await raw.type(meta.key)).toBe('hash');
    expect(await raw.hget(meta.key, 'tokens_total')).toBe('12');
    expect(await b.aside.getOrLoad(meta, async () => ({ ...value, tokens_total: 0 }))).toMatchObject({
      value,
      source: 'hit',
    });

    const list = keyspace.aiCampaignMessages.at({ campana_id: 'c1', segmento_hash: 'a'.repeat(64) });
    const messages = Array.from({ length: 4100 }, (_, numero) => ({ numero, texto: `t${numero}`, tono: 'alegre' }));
    await (
      await a.aside.getOrLoad(list, async () => messages)
    ).stored;
    expect(await raw.llen(list.key)).toBe(4100);
    expect(await b.aside.getOrLoad(list, async () => [])).toMatchObject({ value: messages, source: 'hit' });

    const ranked = keyspace.contentSearchCampaign.at({ campana_id: 'c1', query_hash: 'b'.repeat(64) });
    const scores = new Map([
      ['x', 0.1 + 0.2],
      ['y', 1e-7],
      ['z', 0.91],
    ]);
    await (
      await a.aside.getOrLoad(ranked, async () => scores)
    ).stored;
    expect(await raw.type(ranked.key)).toBe('zset');
    expect(await b.aside.getOrLoad(ranked, async () => new Map())).toMatchObject({
      value: scores,
      source: 'hit',
    });
    expect(a.counts.get('unusable mismatch')).toBeUndefined();
  });

  test('an empty list is a value', async () => {
    const list = keyspace.aiCampaignMessages.at({ campana_id: 'c1', segmento_hash: 'a'.repeat(64) });
    await (
      await a.aside.getOrLoad(list, async () => [])
    ).stored;
    expect(await b.aside.getOrLoad(list, async () => [{ numero: 1, texto: 'no', tono: 'no' }])).toMatchObject({
      value: [],
      source: 'hit',
    });
  });

  test('trap 11: a value over the limit is served, not stored, and gives its lease back', async () => {
    await stage.stop(a);
    a = await stage.start({ maxValueBytes: 1000 });
    const first = await load(a, 'k', 'x'.repeat(2000));
    expect(await first.stored).toBe('too_large');
    expect(await redis.keys('*')).toEqual([FAMILY_VERSION]);
    expect((await load(a, 'k', 'small')).value).toBe('small');
  });

  test('trap 11: a value over the limit, whoever wrote it, is a counted miss', async () => {
    const list = keyspace.aiCampaignMessages.at({ campana_id: 'c1', segmento_hash: 'a'.repeat(64) });
    const long = [{ numero: 1, texto: 'x'.repeat(2000), tono: 'alegre' }];
    await (
      await b.aside.getOrLoad(list, async () => long)
    ).stored;
    await raw.set('app:k', JSON.stringify('x'.repeat(2000)));
    const c = await stage.start({ maxValueBytes: 1000 });
    expect(await load(c, 'k', 'small')).toMatchObject({ value: 'small', source: 'loaded' });
    expect(await c.aside.getOrLoad(list, async () => [])).toMatchObject({ value: [], source: 'loaded' });
    expect(c.counts.get('unusable unreadable')).toBe(2);
  });
});
