import { fingerprint, keyspace, parseBody, requestIdentity } from '../src/index.js';
import { cacheProcess, until, untilUp, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

const FAMILY_VERSION = 'version:family:default:app.value';

const body = (value: object) => parseBody(Buffer.from(JSON.stringify(value)));

onEveryPlace('the cache protocol', cacheProcess, (stage, place) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let a: Process;
  let b: Process;

  const app = (key: string, tenant?: string) => keyspace.appValue.at({ key }, tenant);
  const load = (process: Process, key: string, value: unknown, options = {}) =>
    process.aside.getOrLoad(app(key), async () => value, options);

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

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'trap 5: a TTL of %d is refused before anything is loaded',
    async (ttl) => {
      const loader = jest.fn(async () => 1);
      await expect(a.aside.getOrLoad(app('k'), loader, { ttlSeconds: ttl })).rejects.toThrow(RangeError);
      expect(loader).not.toHaveBeenCalled();
      expect(await redis.keys('*')).toEqual([]);
    },
  );

  test('trap 5: a fractional TTL is kept to the millisecond', async () => {
    await (
      await load(a, 'k', 1, { ttlSeconds: 1.5 })
    ).stored;
    const left = await raw.pttl('app:k');
    expect(left).toBeGreaterThan(1000);
    expect(left).toBeLessThanOrEqual(1500);
  });

  test('trap 1: an invalidation while a load is in flight keeps its value out, whoever invalidates', async () => {
    for (const invalidator of [a, b]) {
      let finish: (value: string) => void = () => {};
      const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
      await until(async () => (await raw.exists('lease:{app:k}')) === 1);
      expect(await invalidator.cache.invalidate({ ref: app('k') })).toEqual({ deleted: 0, pending: false });
      // Whoever comes after the invalidation does not get the old load's value, not even in the same process.
      const later = await load(a, 'k', 'new');
      expect(later).toMatchObject({ value: 'new', source: 'loaded' });
      finish('old');
      const early = await slow;
      expect(early.value).toBe('old');
      expect(await early.stored).toBe('superseded');
      expect(await load(b, 'k', 'never')).toMatchObject({ value: 'new', source: 'hit' });
      await a.cache.invalidate({ ref: app('k') });
    }
  });

  test('trap 1: a put is newer than any load in flight', async () => {
    let finish: (value: string) => void = () => {};
    const slow = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    expect(await b.cache.put({ ref: app('k') }, { stored: [Buffer.from('"put"')] })).toBe('stored');
    finish('old');
    expect(await (await slow).stored).toBe('superseded');
    expect(await load(b, 'k', 'never')).toMatchObject({ value: 'put', source: 'hit' });
  });

  test('one load for any number of callers over two processes', async () => {
    let loads = 0;
    const loader = async () => {
      loads += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return 'value';
    };
    // However slow this machine is, Redis is not held for dead: without it each process loads for itself.
    [a, b] = (await Promise.all([a, b].map(() => stage.start({}, { commandTimeoutMs: 10_000 })))) as [Process, Process];
    const callers = Array.from({ length: 1000 }, (_, n) => (n % 2 === 0 ? a : b).aside.getOrLoad(app('k'), loader));
    const results = await Promise.all(callers);
    expect(loads).toBe(1);
    expect(new Set(results.map((one) => one.value))).toEqual(new Set(['value']));
    expect(results.filter((one) => one.source === 'loaded')).toHaveLength(1);
  });

  test('the callers of one process share what they read and ask for the lease once', async () => {
    const loader = jest.fn(async () => 'v');
    const executed = await redis.commandsOf(() =>
      Promise.all(Array.from({ length: 500 }, () => a.aside.getOrLoad(app('k'), loader))),
    );
    expect(loader).toHaveBeenCalledTimes(1);
    // A version for its family, the lease and the fill.
    expect((executed['evalsha'] ?? 0) + (executed['eval'] ?? 0)).toBeLessThan(10);
    if (place === 'one server') expect(executed['mget']).toBeLessThan(10);
  });

  test('trap 2: a failing loader with staggered callers never runs twice at once', async () => {
    let running = 0;
    let most = 0;
    const loader = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
      throw new Error('origin says no');
    };
    const callers: Promise<unknown>[] = [];
    for (let n = 0; n < 40; n += 1) {
      callers.push((n % 2 === 0 ? a : b).aside.getOrLoad(app('k'), loader));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    const results = await Promise.allSettled(callers);
    expect(most).toBe(1);
    expect(results.every((one) => one.status === 'rejected' && one.reason.message === 'origin says no')).toBe(true);
    expect(await redis.keys('*')).toEqual([FAMILY_VERSION]);
  });

  test('trap 21: a load goes on for those who stay, and is given up when the last has left', async () => {
    const given = Promise.withResolvers<unknown>();
    let finish: (value: string) => void = () => {};
    const loader = ({ signal }: { signal: AbortSignal }) =>
      new Promise<string>((resolve, reject) => {
        finish = resolve;
        signal.addEventListener('abort', () => (given.resolve('up'), reject(new Error('given up'))));
      });
    const callers = [new AbortController(), new AbortController()];
    const [first, second] = callers.map(({ signal }) => a.aside.getOrLoad(app('k'), loader, { signal }));
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    callers[0]?.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    const elsewhere = load(b, 'k', 'theirs');
    callers[1]?.abort(new Error('gone too'));
    await expect(second).rejects.toThrow('gone too');
    expect(await given.promise).toBe('up');
    expect(await elsewhere).toMatchObject({ value: 'theirs' });
    // Who came last did not have to wait for what the others had given up.
    const stays = new AbortController();
    await a.cache.invalidate({ ref: app('k') });
    const leaver = a.aside.getOrLoad(app('k'), loader, { signal: stays.signal });
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    const stayer = a.aside.getOrLoad(app('k'), loader);
    await new Promise((resolve) => setTimeout(resolve, 20));
    stays.abort(new Error('gone'));
    await expect(leaver).rejects.toThrow('gone');
    finish('for the other');
    expect(await stayer).toMatchObject({ value: 'for the other', source: 'joined' });
  });

  test('a load anew replaces on success, costs nothing on failure, and answers who accepts nothing older', async () => {
    await (
      await load(a, 'k', 'old')
    ).stored;
    const failing = a.aside.getOrLoad(app('k'), () => Promise.reject(new Error('no')), { anew: true });
    await expect(failing).rejects.toThrow('no');
    expect(await load(b, 'k', 'never')).toMatchObject({ value: 'old', source: 'hit' });
    let finish: (value: string) => void = () => {};
    const anew = a.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)), { anew: true });
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    const strict = b.aside.getOrLoad(app('k'), async () => 'never', { accept: ({ value }) => value !== 'old' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    finish('new');
    expect(await anew).toMatchObject({ value: 'new', source: 'loaded' });
    expect(await strict).toMatchObject({ value: 'new', source: 'followed' });
  });

  test('a dead leader costs at most the lease', async () => {
    const dead = await stage.start();
    void dead.aside.getOrLoad(app('k'), () => new Promise(() => {}), { hardTimeoutMs: null });
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    const waiting = load(b, 'k', 'mine');
    await stage.stop(dead);
    expect(await waiting).toMatchObject({ value: 'mine', source: 'loaded' });
  });

  test('a living leader may take longer than the lease', async () => {
    const loader = jest.fn(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return 'slow';
    });
    const first = a.aside.getOrLoad(app('k'), loader);
    await until(async () => (await raw.exists('lease:{app:k}')) === 1);
    expect(await b.aside.getOrLoad(app('k'), loader)).toMatchObject({ value: 'slow', source: 'followed' });
    expect(await (await first).stored).toBe('stored');
    expect(loader).toHaveBeenCalledTimes(1);
  });

  test('trap 10: whatever lies at our key and is no value of ours is a counted miss and is replaced', async () => {
    const ref = keyspace.llmModels.at({ hash: 'e'.repeat(64) });
    const sidecar = `meta:{${ref.key}}`;
    const ours = { object: 'list', data: [] };
    const store = async () => (await a.aside.getOrLoad(ref, async () => ours)).stored;
    const foreign: [string, () => Promise<unknown>][] = [
      ['a list', () => raw.lpush(ref.key, 'x')],
      ['a value without a sidecar', () => raw.set(ref.key, '{}')],
      ['another value beside our sidecar', async () => (await store(), raw.set(ref.key, '{"object":"other"}'))],
      ['a sidecar of a newer version', async () => (await store(), raw.set(sidecar, '[99,"default"]'))],
      [
        'another tenant’s sidecar',
        async () => (await store(), raw.set(sidecar, ((await raw.get(sidecar)) as string).replace('default', 'other'))),
      ],
    ];
    for (const [what, put] of foreign) {
      await redis.flush();
      await put();
      const loaded = await b.aside.getOrLoad(ref, async () => ours);
      expect({ what, ...loaded }).toMatchObject({ what, value: ours, source: 'loaded' });
      expect({ what, stored: await loaded.stored }).toEqual({ what, stored: 'stored' });
      expect(JSON.parse((await raw.get(ref.key)) as string)).toEqual(ours);
    }
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

  test('trap 7: tenants with the same key never meet', async () => {
    await (
      await a.aside.getOrLoad(app('k', 'acme'), async () => 'acme’s')
    ).stored;
    expect((await load(a, 'k', 'default’s')).value).toBe('default’s');
    expect((await a.aside.getOrLoad(app('k', 'acme'), async () => 'x')).value).toBe('acme’s');
  });

  test('trap 7: one URL asked by others, in other words or with another body is another entry', async () => {
    const parts = { version: 1, tenant: 'acme', scope: 'key 1', namespace: '', upstream: 'crm', omit: [] };
    const asked = { ...parts, operation: 'POST /search', headers: { 'accept-language': 'es' }, body: body({ q: 1 }) };
    const all = [
      asked,
      { ...asked, tenant: 'other' },
      { ...asked, scope: 'key 2' },
      { ...asked, namespace: 'n' },
      { ...asked, headers: { 'accept-language': 'en' } },
      { ...asked, body: body({ q: 2 }) },
    ];
    for (const [n, one] of all.entries()) await (await load(a, requestIdentity(one), n)).stored;
    for (const [n, one] of all.entries()) {
      expect(await load(b, requestIdentity(one), 'no')).toMatchObject({ value: n, source: 'hit' });
    }
  });

  test('trap 12: hostile keys and tenants are each their own entry, and harm no other', async () => {
    const hostile = [
      'a:b',
      'a',
      '*',
      '..',
      '\0',
      'x'.repeat(10_000),
      '\uD800',
      '__proto__',
      '{app:k}',
      ' ',
      'ñ?',
      '%2A',
    ];
    const refs = [...hostile.map((text) => app(text)), ...hostile.map((text) => app('a', text))];
    for (const [n, ref] of refs.entries()) await (await a.aside.getOrLoad(ref, async () => n)).stored;
    for (const [n, ref] of refs.entries()) {
      expect(await b.aside.getOrLoad(ref, async () => 'no')).toMatchObject({ value: n, source: 'hit' });
      expect(await b.cache.invalidate({ ref })).toMatchObject({ deleted: 1 });
    }
    expect(await redis.keys('*app:*')).toEqual(expect.not.arrayContaining([expect.stringMatching(/^app:/)]));
  });

  test('trap 12: __proto__ in a value is a property like any other', async () => {
    const value = JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as object;
    await (
      await load(a, 'k', value)
    ).stored;
    const { value: read, source } = await load(b, 'k', 'no');
    expect([JSON.stringify(read), source]).toEqual([JSON.stringify(value), 'hit']);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  describe('when Redis is in trouble', () => {
    test('trap 8: frozen: every caller is answered by the origin, one load a key and process, nothing is stored later', async () => {
      redis.freeze();
      let loads = 0;
      const loader = async () => {
        loads += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return loads;
      };
      const results = await Promise.all(Array.from({ length: 200 }, () => a.aside.getOrLoad(app('k'), loader)));
      expect(loads).toBe(1);
      expect(results.every((one) => one.value === 1)).toBe(true);
      redis.thaw();
      await untilUp(a, b);
      expect(await raw.exists('app:k')).toBe(0);
      expect(await load(a, 'k', 'fresh')).toMatchObject({ value: 'fresh', source: 'loaded' });
    });

    test('trap 9: what its caller was told has failed takes no effect when Redis goes on', async () => {
      await (
        await load(a, 'k', 'old')
      ).stored;
      redis.freeze();
      const put = (value: string) => a.cache.put({ ref: app('k') }, { stored: [Buffer.from(JSON.stringify(value))] });
      // Some of them are sent and get no answer; once Redis is held for dead, nothing is sent any more.
      for (let n = 0; n < 3; n += 1) expect(await put(`late ${n}`)).toBe('dropped');
      await until(async () => !a.roles.link('cache').up);
      expect(await put('refused')).toBe('dropped');
      redis.thaw();
      await untilUp(a, b);
      expect(await raw.get('app:k')).toBe('"old"');
      expect(await load(b, 'k', 'no')).toMatchObject({ value: 'old', source: 'hit' });
    });

    test('an invalidation while Redis is frozen is pending, and is applied before anything is read again', async () => {
      await (
        await load(a, 'k', 'old')
      ).stored;
      redis.freeze();
      await until(async () => !a.roles.link('cache').up);
      expect(await a.cache.invalidate({ ref: app('k') })).toEqual({ deleted: null, pending: true });
      expect(await load(a, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
      redis.thaw();
      await untilUp(a);
      expect(a.cache.pendingInvalidations).toBe(0);
      expect((await load(a, 'k', 'newer')).value).toBe('newer');
    });

    test('an acknowledged invalidation that a crash of the server undid is applied again', async () => {
      await (
        await load(a, 'k', 'old')
      ).stored;
      const [value, sidecar] = await raw.mgetBuffer('app:k', 'meta:{app:k}');
      expect(await a.cache.invalidate({ ref: app('k') })).toEqual({ deleted: 1, pending: false });
      // What a crash between two fsyncs, or a failover to a lagging replica, brings back.
      await raw.mset({ 'app:k': value as Buffer, 'meta:{app:k}': sidecar as Buffer });
      await redis.restart('app:k');
      await until(async () => !a.roles.link('cache').up || (await raw.exists('app:k')) === 0);
      await untilUp(a, b);
      expect(await load(b, 'k', 'new')).toMatchObject({ value: 'new', source: 'loaded' });
    });

    test('full: callers share one load, nothing is stored, and what is stored is still read', async () => {
      await (
        await load(a, 'kept', 'old')
      ).stored;
      await redis.config('maxmemory', '1');
      try {
        const loader = jest.fn(async () => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return 'value';
        });
        const results = await Promise.all(Array.from({ length: 20 }, () => a.aside.getOrLoad(app('k'), loader)));
        expect(loader).toHaveBeenCalledTimes(1);
        expect(new Set(results.map(({ value }) => value))).toEqual(new Set(['value']));
        expect(await load(b, 'kept', 'no')).toMatchObject({ value: 'old', source: 'hit' });
        expect(await a.cache.put({ ref: app('kept') }, { stored: [Buffer.from('1')] })).toBe('dropped');
      } finally {
        await redis.config('maxmemory', '0');
      }
    });

    test('a journal that overflows removes whole families, and nothing of others', async () => {
      await stage.stop(a);
      a = await stage.start({ journal: { capacity: 5, keepAcknowledgedMs: 60_000, retryMs: 50 } });
      for (let n = 0; n < 20; n += 1) await (await load(a, `k${n}`, n)).stored;
      await raw.set('lead:unrelated', 'x');
      redis.freeze();
      await until(async () => !a.roles.link('cache').up);
      for (let n = 0; n < 10; n += 1) await a.cache.invalidate({ ref: app(`k${n}`) });
      expect(a.cache.pendingInvalidations).toBeLessThanOrEqual(5);
      redis.thaw();
      await untilUp(a);
      expect(await redis.keys('app:*')).toEqual([]);
      expect(await raw.get('lead:unrelated')).toBe('x');
    });

    test('a journal that overflowed defeats loads in flight too', async () => {
      await Promise.all([a, b].map(stage.stop));
      a = await stage.start({ journal: { capacity: 0, keepAcknowledgedMs: 60_000, retryMs: 50 } });
      b = await stage.start({ leaseMs: 60_000 });
      let finish: (value: string) => void = () => {};
      const slow = b.aside.getOrLoad(app('k'), () => new Promise((resolve) => (finish = resolve)));
      await until(async () => (await raw.exists('lease:{app:k}')) === 1);
      redis.freeze();
      await until(async () => !a.roles.link('cache').up);
      await a.cache.invalidate({ ref: app('k') });
      redis.thaw();
      await untilUp(a, b);
      finish('old');
      // Refused by Redis, or not sent at all.
      expect(['superseded', 'dropped']).toContain(await (await slow).stored);
      expect(await raw.exists('app:k')).toBe(0);
    });
  });
});
