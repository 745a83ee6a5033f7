/** L1 on a real server: what others write is seen within the bound, and nothing is served in doubt. */
import { until } from '@promptsales/test-kit';
import type { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import {
  absent,
  companions,
  FamilyGlob,
  keyspace,
  valueReading,
  type Hit,
  type KeyRef,
  type Reading,
} from '../src/index.js';
import { app, BOUND_MS, gone, trusted, warm, warmUp, type L1Process, L1Stage } from './l1-stage.js';

describe('L1 on Redis', () => {
  let stage: L1Stage;
  let raw: Redis;
  const start: L1Stage['process'] = (...settings) => stage.process(...settings);

  beforeAll(async () => {
    stage = await L1Stage.start();
    ({ raw } = stage);
  });
  afterAll(() => stage.stop());
  afterEach(() => stage.clear());

  test('a value read from Redis is served from memory afterwards, synchronously and without a command', async () => {
    const a = await start();
    await warmUp(a, 'k', { deep: [1, 2] });
    await raw.config('RESETSTAT');
    await until(() => warm(a, 'k') !== undefined);
    const first = a.aside.warm(app('k'));
    expect(await a.aside.getOrLoad(app('k'), async () => 'never')).toMatchObject({
      value: { deep: [1, 2] },
      source: 'hit',
    });
    expect(first?.value).toBe(a.aside.warm(app('k'))?.value);
    expect(a.tiers.at(-1)).toBe('l1');
    expect(await raw.info('commandstats')).not.toMatch(/cmdstat_(mget|get|evalsha):/);
  });

  test('age and remaining time follow the stored times, whatever tier answers', async () => {
    const a = await start();
    await warmUp(a, 'k', 1);
    const early = a.aside.warm(app('k'));
    await pause(40);
    await until(() => warm(a, 'k') !== undefined);
    const late = a.aside.warm(app('k'));
    expect(late?.storedAtMs).toBe(early?.storedAtMs);
    expect(late?.expiresAtMs).toBe(early?.expiresAtMs);
    expect((late?.readAtMs ?? 0) - (early?.readAtMs ?? 0)).toBeGreaterThan(35);
  });

  test('what is stale is not warm, though it is in memory still', async () => {
    const a = await start();
    const fill = () =>
      a.aside.getOrLoad(app('k'), async () => 'v', { freshSeconds: 0.3, jitter: 0, beta: 0, anew: true });
    let fresh = a.aside.warm(app('k'));
    while (fresh === undefined) {
      await (
        await fill()
      ).stored;
      await a.cache.lookup(valueReading(app('k')));
      fresh = a.aside.warm(app('k'));
    }
    expect(fresh.readAtMs).toBeLessThan(fresh.freshUntilMs ?? 0);
    await pause(350);
    await until(() => a.cache.peek(valueReading(app('k'))) !== undefined);
    expect(a.aside.warm(app('k'))).toBeUndefined();
    expect(a.cache.peek(valueReading(app('k')))?.value).toBe('v');
  });

  test.each<[string, (other: L1Process) => Promise<unknown>]>([
    ['redis-cli SET', () => raw.set('app:k', '"foreign"')],
    ['redis-cli DEL', () => raw.del('app:k')],
    ['a script', () => raw.eval("redis.call('SET', KEYS[1], '1')", 1, 'app:k')],
    ['RENAME over it', () => raw.multi().set('other', '1').rename('other', 'app:k').exec()],
    ['EXPIRE', () => raw.expire('app:k', 1000)],
    ['an invalidation in another process', (other) => other.cache.invalidate({ ref: app('k') })],
    ['a put in another process', (other) => other.cache.put({ ref: app('k') }, { stored: [Buffer.from('2')] })],
    ['FLUSHDB', () => raw.flushdb()],
    ['FLUSHALL', () => raw.flushall()],
  ])('%s is seen within the bound', async (_what, change) => {
    const [a, b] = await Promise.all([start(), start()]);
    await warmUp(a, 'k', 'old');
    await change(b);
    await gone(a, 'k');
    expect(warm(a, 'k')).toBeUndefined();
  });

  test.each<[string, (other: L1Process, ref: KeyRef) => Promise<unknown>]>([
    ['an invalidation', ({ cache }, ref) => cache.invalidate({ ref })],
    ['a put', ({ cache }, ref) => cache.put({ ref }, { stored: [Buffer.from('{}')] })],
  ])('%s by one who names no parts of an entry takes them along', async (_what, change) => {
    const [a, b] = await Promise.all([start(), start()]);
    const ref = keyspace.llmModels.at({ hash: 'a'.repeat(64) });
    const parts = [companions.frames];
    const reading: Reading<string> = { ref, parts, part: companions.frames, decode: frames };
    const old = new Map([[companions.frames, Buffer.from('old')]]);
    await b.cache.put({ ref, parts }, { stored: [Buffer.from('{}')], parts: old });
    await until(async () => {
      await a.cache.lookup(reading);
      return a.cache.peek(reading)?.value === 'old';
    });
    await change(b, ref);
    await until(() => a.cache.peek(reading) === undefined, BOUND_MS);
    expect(a.cache.peek(reading)).toBeUndefined();
    expect(await a.cache.lookup(reading)).toMatchObject({ kind: 'miss' });
  });

  test('an entry is kept in two forms, and both go with its value or with the part that one is made of', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    const ref = app('in-two-forms');
    const parts = [companions.frames];
    const asValue: Reading<string> = { ref, parts, decode: ([value]) => String(value) };
    const asFrames: Reading<string> = { ref, parts, part: companions.frames, decode: frames };
    const keptHere = () => [asValue, asFrames].map((reading) => a.cache.peek(reading)?.value);
    const some = new Map([[companions.frames, Buffer.from('frames')]]);
    for (const removed of ['value', 'frames'] as const) {
      await b.cache.put({ ref, parts }, { stored: [Buffer.from('{}')], parts: some });
      await until(async () => {
        await Promise.all([a.cache.lookup(asValue), a.cache.lookup(asFrames)]);
        return keptHere().every((value) => value !== undefined);
      });
      expect(keptHere()).toEqual(['{}', 'frames']);
      await raw.del(removed === 'value' ? ref.key : companions.frames.beside(ref));
      await until(() => keptHere().every((value) => value === undefined), BOUND_MS);
      expect(keptHere()).toEqual([undefined, undefined]);
      expect(await a.cache.lookup(asFrames)).toMatchObject({ kind: 'miss' });
    }
  });

  test('what a pattern covers is gone at once where Redis cannot be asked, with its parts, and nothing else is', async () => {
    const a = await start();
    await warmUp(a, 'report-1', 'old');
    const other = app('report-1', 'acme');
    await until(async () => {
      await a.aside.getOrLoad(other, async () => 'kept');
      return a.aside.warm(other) !== undefined;
    });
    const parts = [companions.frames];
    const reading: Reading<string> = { ref: app('report-2'), parts, part: companions.frames, decode: frames };
    const some = new Map([[companions.frames, Buffer.from('f')]]);
    await a.cache.put({ ref: app('report-2'), parts }, { stored: [Buffer.from('1')], parts: some });
    await until(async () => {
      await a.cache.lookup(reading);
      return a.cache.peek(reading) !== undefined;
    });
    a.cache.invalidateMatchingLater(FamilyGlob.parse('app:report-*'));
    expect([warm(a, 'report-1'), a.cache.peek(reading)]).toEqual([undefined, undefined]);
    expect(a.aside.warm(other)?.value).toBe('kept');
  });

  test('what expires is not served, though Redis has not yet removed it', async () => {
    const a = await start();
    await raw.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    try {
      const hit = (): Hit<unknown> | undefined => a.cache.peek(valueReading(app('k')));
      await until(async () => {
        const loaded = await a.aside.getOrLoad(app('k'), async () => 1, { ttlSeconds: 0.3 });
        await loaded.stored;
        await a.cache.lookup(valueReading(app('k')));
        return hit() !== undefined;
      });
      const expiresAtMs = hit()?.expiresAtMs ?? 0;
      // Nobody looks at the key, or Redis would remove it and tell of that. By how much this process is wrong about Redis's clock
      // depends on a round trip.
      await until(() => a.roles.link('cache').now() > expiresAtMs + 200);
      expect(hit()).toBeUndefined();
    } finally {
      await raw.call('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
    }
  });

  test('a value that another system wrote says nothing of its end and is not kept', async () => {
    const a = await start();
    await raw.set('app:k', '"foreign"');
    expect(await a.aside.getOrLoad(app('k'), async () => 'never')).toMatchObject({ value: 'foreign', source: 'hit' });
    expect(warm(a, 'k')).toBeUndefined();
  });

  test('trap 1: an absence is not kept: nothing lies at its key, so Redis tells nobody when it is invalidated', async () => {
    const [a, b] = [await start(), await start()];
    const ask = (value: unknown) =>
      b.aside.getOrLoad(app('k'), async () => value, { negativeTtlSeconds: 60 }).then(({ value: found }) => found);
    await (
      await a.aside.getOrLoad(app('k'), async () => absent, { negativeTtlSeconds: 60 })
    ).stored;
    expect([await ask('late'), await ask('late')]).toEqual([absent, absent]);
    expect(b.tiers).toEqual(['redis', 'redis']);
    await a.cache.invalidate({ ref: app('k') });
    expect(await ask('new')).toBe('new');
  });

  test('own invalidations and puts are seen at once, before Redis has heard of them', async () => {
    const a = await start();
    await warmUp(a, 'k', 'old');
    const invalidating = a.cache.invalidate({ ref: app('k') });
    expect(warm(a, 'k')).toBeUndefined();
    await invalidating;
    await warmUp(a, 'k', 'old');
    const putting = a.cache.put({ ref: app('k') }, { stored: [Buffer.from('2')] });
    expect(warm(a, 'k')).toBeUndefined();
    await putting;
  });

  test('an entry serves its own tenant and the decoder that made it, nobody else', async () => {
    const a = await start();
    await warmUp(a, 'k', { n: 1 });
    expect(a.aside.warm(app('k', 'other'))).toBeUndefined();
    expect(a.cache.peek({ ref: app('k'), decode: (stored) => stored })).toBeUndefined();
    expect(warm(a, 'k')).toEqual({ n: 1 });
    // A family whose keys are hashes of all that an answer depends on: two tenants may name the same one.
    const call = (tenant: string) =>
      keyspace.apiCall.at({ service: 's', method: 'get', params_hash: 'a'.repeat(64) }, tenant);
    await until(async () => {
      const answer = { response: 1, timestamp: '2026-01-01T00:00:00Z', status: 200 };
      await (
        await a.aside.getOrLoad(call('mine'), async () => answer)
      ).stored;
      return a.aside.warm(call('mine')) !== undefined;
    });
    expect(call('mine').key).toBe(call('yours').key);
    expect(a.aside.warm(call('yours'))).toBeUndefined();
  });

  test('values are frozen outside production, so that a reader who changes them is found', async () => {
    const a = await start();
    await warmUp(a, 'k', { list: [{ n: 1 }] });
    const value = warm(a, 'k') as { list: { n: number }[] };
    expect(() => {
      (value.list[0] as { n: number }).n = 2;
    }).toThrow(TypeError);
  });

  test('the bytes of all entries stay under the bound, and one that is large is not kept', async () => {
    const a = await start({ l1: { maxBytes: 64 * 1024, boundMs: BOUND_MS, beatMs: 50 } });
    for (let n = 0; n < 100; n += 1) await warmUp(a, `k${n}`, 'x'.repeat(1500));
    const status = a.cache.l1Status;
    expect(status?.bytes).toBeLessThanOrEqual(64 * 1024);
    expect(status?.entries).toBeGreaterThan(20);
    await raw.flushall();
    await (
      await a.aside.getOrLoad(app('large'), async () => 'x'.repeat(8000))
    ).stored;
    await a.aside.getOrLoad(app('large'), async () => '');
    expect(warm(a, 'large')).toBeUndefined();
  });

  describe('an answer that comes late', () => {
    /** Holds what Redis has answered to reads of this process until it is let go; `answered` once there is something to hold. */
    const holdAnswers = (process: L1Process): { readonly letGo: () => void; readonly answered: Promise<void> } => {
      const link = process.roles.link('cache');
      const readStrings = link.readStrings.bind(link);
      const held = Promise.withResolvers<void>();
      const answered = Promise.withResolvers<void>();
      link.readStrings = async (...keys) => {
        const values = await readStrings(...keys);
        answered.resolve();
        await held.promise;
        return values;
      };
      return { letGo: held.resolve, answered: answered.promise };
    };
    const never = async (): Promise<unknown> => 'never';
    const nextBeat = (): Promise<void> => pause(150);

    test('is kept when nothing was heard of its key meanwhile', async () => {
      const a = await start();
      await (
        await a.aside.getOrLoad(app('k'), async () => 'stored')
      ).stored;
      // Not while this process, kept from its beats, trusts nothing.
      await until(async () => {
        await nextBeat();
        const { letGo } = holdAnswers(a);
        const reading = a.aside.getOrLoad(app('k'), never);
        await raw.set('app:neighbour', '1');
        await nextBeat();
        letGo();
        await reading;
        return warm(a, 'k') !== undefined;
      });
      expect(warm(a, 'k')).toBe('stored');
    });

    test.each<[string, (process: L1Process) => Promise<unknown>]>([
      ['behind the message that its key has changed', () => raw.set('app:k', '"newer"')],
      ['behind a FLUSHDB', () => raw.flushdb()],
      ['behind the end of its tracking connection', () => raw.client('KILL', 'TYPE', 'PUBSUB')],
      ['behind an invalidation by this process', (process) => process.cache.invalidate({ ref: app('k') })],
    ])('%s is not kept', async (_when, event) => {
      const a = await start();
      await (
        await a.aside.getOrLoad(app('k'), async () => 'stored')
      ).stored;
      await nextBeat();
      const { letGo, answered } = holdAnswers(a);
      const reading = a.aside.getOrLoad(app('k'), never);
      await answered;
      await event(a);
      await nextBeat();
      await until(() => trusted(a));
      letGo();
      expect(await reading).toMatchObject({ value: 'stored' });
      expect(warm(a, 'k')).toBeUndefined();
    });

    test('is not kept when it was asked for without trust', async () => {
      const a = await start();
      await (
        await a.aside.getOrLoad(app('k'), async () => 'stored')
      ).stored;
      await raw.client('KILL', 'TYPE', 'PUBSUB');
      await until(() => !trusted(a));
      const { letGo } = holdAnswers(a);
      const reading = a.aside.getOrLoad(app('k'), never);
      await until(() => trusted(a));
      letGo();
      await reading;
      expect(warm(a, 'k')).toBeUndefined();
    });
  });
});

/** A part, of an entry that has one. */
function frames([, part]: readonly Buffer[]): string {
  if (part === undefined) throw new Error('there are none');
  return String(part);
}
