import { processorMs } from '@promptsales/test-kit';
import { CacheControlError, parseCacheControls } from './cache-controls.js';

function refused(headers: Record<string, string>): CacheControlError {
  try {
    parseCacheControls(headers);
  } catch (error) {
    if (error instanceof CacheControlError) return error;
    throw error;
  }
  throw new Error(`not refused: ${JSON.stringify(headers)}`);
}

describe('cache controls of a request', () => {
  it('shares one frozen object among requests that say nothing', () => {
    const controls = parseCacheControls({ host: 'x' });
    expect(controls).toBe(parseCacheControls({}));
    expect(Object.isFrozen(controls)).toBe(true);
    expect(controls).toMatchObject({
      noCache: false,
      noStore: false,
      maxAgeSeconds: null,
      namespace: '',
    });
  });

  it('reads every directive, in any case and spacing, quoted or not', () => {
    expect(
      parseCacheControls({
        'cache-control':
          ' No-Cache ,, no-store,max-age=60, stale-while-revalidate="30",stale-if-error=0 ,only-if-cached',
      }),
    ).toMatchObject({
      noCache: true,
      noStore: true,
      onlyIfCached: true,
      maxAgeSeconds: 60,
      staleWhileRevalidateSeconds: 30,
      staleIfErrorSeconds: 0,
    });
  });

  it.each(['no-transform', 'max-stale', 'min-fresh=10', 'ext="a, b\\"c"', ''])(
    'ignores the well-formed but unknown %p',
    (value) => {
      expect(parseCacheControls({ 'cache-control': value })).toMatchObject({ noCache: false, maxAgeSeconds: null });
    },
  );

  it.each([
    'max-age',
    'max-age=',
    'max-age=abc',
    'max-age=-1',
    'max-age=1.5',
    'max-age=1e3',
    'max-age=0x10',
    'max-age = 5',
    'no-cache=1',
    'no-store="x"',
    'only-if-cached=true',
    'max-age=1, max-age=2',
    'stale-if-error=soon',
    'no cache',
    '=5',
    'ext="unclosed',
    'a;b',
  ])('trap 15: refuses %p instead of guessing', (value) => {
    const error = refused({ 'cache-control': value });
    expect(error).toMatchObject({ code: 'invalid_cache_control', header: 'cache-control' });
  });

  it('takes the same directive twice with one value, and clamps what RFC 9111 clamps', () => {
    expect(parseCacheControls({ 'cache-control': 'max-age=7, max-age=7' }).maxAgeSeconds).toBe(7);
    expect(parseCacheControls({ 'cache-control': `max-age=${'9'.repeat(40)}` }).maxAgeSeconds).toBe(2 ** 31);
  });

  it('reads a long hostile header in linear time', () => {
    const spent = processorMs(() => {
      refused({ 'cache-control': `a="${'\\a'.repeat(30_000)}` });
      refused({ 'cache-control': `${' '.repeat(60_000)}=` });
    });
    expect(spent).toBeLessThan(1000);
  });

  it.each(['1', '604800'])('takes x-cache-ttl %p', (value) => {
    expect(parseCacheControls({ 'x-cache-ttl': value }).ttlSeconds).toBe(Number(value));
  });

  it.each(['0', '604801', '-1', '1.5', 'x', '', '1 ', '0x10'])('trap 5: refuses x-cache-ttl %p', (value) => {
    expect(refused({ 'x-cache-ttl': value })).toMatchObject({
      code: 'invalid_cache_header',
      header: 'x-cache-ttl',
    });
  });

  it('reads tags once each, and refuses what is no tag', () => {
    expect(parseCacheControls({ 'x-cache-tags': 'a, b,,a ,c' }).tags).toEqual(['a', 'b', 'c']);
    expect(refused({ 'x-cache-tags': 'two words' }).header).toBe('x-cache-tags');
    expect(refused({ 'x-cache-tags': 'x'.repeat(129) }).header).toBe('x-cache-tags');
    expect(refused({ 'x-cache-tags': Array.from({ length: 33 }, (_, index) => index).join() }).header).toBe(
      'x-cache-tags',
    );
  });

  it('keeps a namespace as it is and refuses one that is not printable ASCII', () => {
    expect(parseCacheControls({ 'x-cache-namespace': 'Team A/7' }).namespace).toBe('Team A/7');
    expect(refused({ 'x-cache-namespace': 'ñ' }).header).toBe('x-cache-namespace');
    expect(refused({ 'x-cache-namespace': 'n'.repeat(129) }).header).toBe('x-cache-namespace');
  });
});
