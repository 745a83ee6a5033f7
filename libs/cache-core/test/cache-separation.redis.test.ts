import { parseBody, requestIdentity } from '../src/index.js';
import { app, load } from './app-values.js';
import { cacheProcess, type Process } from './cache-process.js';
import type { RedisPlace } from './redis-place.js';
import { onEveryPlace } from './stage.js';

const body = (value: object) => parseBody(Buffer.from(JSON.stringify(value)));

onEveryPlace('entries of the cache protocol that must not meet', cacheProcess, (stage) => {
  let redis: RedisPlace;
  let a: Process;
  let b: Process;

  beforeEach(() => void ({ redis, a, b } = stage));

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
});
