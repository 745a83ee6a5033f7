import keyvTestSuite from '@keyv/test-suite';
import { CACHE_MANAGER, CacheModule, type Cache as NestCache } from '@nestjs/cache-manager';
import { Test, type TestingModule } from '@nestjs/testing';
import { Keyv } from 'keyv';
import { CacheCoreModule, KeyvStores, RedisRoles, keyspace } from '../../src/index.js';
import { PATIENT_WITH_OUTAGES, type RedisPlace } from '../redis-place.js';
import { EVERY_PLACE } from '../stage.js';

describe.each(EVERY_PLACE)('stores for Nest’s cache module on %s', (_place, startPlace) => {
  let redis: RedisPlace;
  let raw: RedisPlace['raw'];
  let module: TestingModule;
  let nest: NestCache;
  let stores: KeyvStores;

  beforeAll(async () => {
    redis = await startPlace();
    raw = redis.raw;
    module = await Test.createTestingModule({
      imports: [
        CacheCoreModule.forRoot({ redis: { ...redis.home, layout: 'single', times: PATIENT_WITH_OUTAGES } }),
        CacheModule.registerAsync({
          inject: [KeyvStores],
          useFactory: (given: KeyvStores) => ({ stores: [given.keyv({ namespace: 'catalogue' })], ttl: 60_000 }),
        }),
      ],
    }).compile();
    await module.init();
    stores = module.get(KeyvStores);
    nest = module.get<NestCache>(CACHE_MANAGER);
    await module.get(RedisRoles).link('cache').untilUp(60_000);
  });

  afterAll(async () => {
    await module.close();
    await redis.stop();
  });

  // The suite is written for vitest, which hands `expect` to each test.
  const suite = {
    it: (name: string, test: (context: { expect: jest.Expect }) => unknown) =>
      // oxlint-disable-next-line jest/expect-expect, jest/valid-title -- title and assertions are the suite's
      it(name, async () => void (await test({ expect }))),
    beforeEach,
    afterEach,
  };
  keyvTestSuite(suite as never, Keyv, () => stores.adapter() as never);

  it('keeps a value encoded once, under a key of the keyspace, with its time to live', async () => {
    await nest.set('product 7', { price: 3 });
    const key = keyspace.nestValue.at({ namespace: 'catalogue', key: 'product 7' }).key;
    expect(JSON.parse((await raw.get(key)) ?? '')).toMatchObject({ value: { price: 3 } });
    const left = await raw.pttl(key);
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
    expect(await nest.get('product 7')).toEqual({ price: 3 });
  });

  it.each([[0], [''], [false], [null], [[]], [{ nested: [1, { deep: 'ñ' }] }]])(
    'trap 5: %j is a value',
    async (value) => {
      await nest.set('falsy', value);
      expect(await nest.get('falsy')).toEqual(value);
      expect(await nest.wrap('falsy', () => 'loaded')).toEqual(value);
    },
  );

  it('trap 5: a fractional time to live lives, and one of 0 for as long as anything here', async () => {
    await nest.set('fraction', 1, 1500.4);
    expect(await nest.get('fraction')).toBe(1);
    await nest.set('endless', 1, 0);
    const key = keyspace.nestValue.at({ namespace: 'catalogue', key: 'endless' }).key;
    expect(await raw.ttl(key)).toBeGreaterThan(29 * 86_400);
  });

  it('trap 3: clear() ends its own namespace, and nothing else', async () => {
    const other = stores.keyv({ namespace: 'catalogue2' });
    const stranger = stores.keyv({ namespace: 'catalogue', tenant: 'acme' });
    await raw.set('somebody:elses', 'value');
    await nest.set('mine', 1);
    await other.set('theirs', 2);
    await stranger.set('another tenant’s', 3);
    await nest.clear();
    expect(await nest.get('mine')).toBeUndefined();
    expect(await other.get('theirs')).toBe(2);
    expect(await stranger.get('another tenant’s')).toBe(3);
    expect(await raw.get('somebody:elses')).toBe('value');
  });

  it('trap 12: keys of any text stay apart and inside the namespace', async () => {
    const keys = ['a:b', 'a%3Ab', '*', '../x', '\0', '\ud800', 'k'.repeat(10_000), '__proto__'];
    await Promise.all(keys.map((key, at) => nest.set(key, at)));
    expect(await Promise.all(keys.map((key) => nest.get(key)))).toEqual(keys.map((_key, at) => at));
  });

  it('goes on without Redis, and a deletion that it did not hear of takes effect when it is back', async () => {
    await nest.set('kept', 'old');
    const keyv = stores.keyv({ namespace: 'catalogue' });
    const errors: unknown[] = [];
    keyv.on('error', (error) => errors.push(error));
    redis.freeze();
    expect(await keyv.set('kept', 'new')).toBe(false);
    expect(errors).toHaveLength(1);
    expect(await keyv.get('kept')).toBeUndefined();
    expect(await keyv.delete('kept')).toBe(true);
    redis.thaw();
    await module.get(RedisRoles).link('cache').untilUp(60_000);
    expect(await keyv.get('kept')).toBeUndefined();
    expect(await nest.wrap('kept', () => 'newest')).toBe('newest');
  });
});
