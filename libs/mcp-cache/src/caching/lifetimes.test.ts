import { NO_CACHE_CONTROLS } from '@promptsales/cache-core';
import type { McpServer } from '../servers/mcp-server.js';
import { cacheableMethod, type CacheableMethod } from './cacheable.js';
import { isGoodAt, lifetimeOf } from './lifetimes.js';

const HOUR = 3600;
const asked = (method: string, more: object = {}) => ({
  server: { ttlCapSeconds: null } as McpServer,
  controls: NO_CACHE_CONTROLS,
  permission: null,
  method: cacheableMethod(method) as CacheableMethod,
  changes: 'none' as const,
  ...more,
});

describe('the life of a result', () => {
  it.each([
    ['tools/list', 300],
    ['resources/templates/list', 300],
    ['resources/read', 10],
    ['tools/call', HOUR],
  ])('of %s, where nobody says anything, is %i s', (method, seconds) => {
    expect(lifetimeOf(asked(method), {}, HOUR)).toBe(seconds);
  });

  it('is what the server says, shorter or longer, and nothing where it says 0', () => {
    expect(lifetimeOf(asked('tools/list'), { ttlMs: 5_000 }, HOUR)).toBe(5);
    expect(lifetimeOf(asked('tools/list'), { ttlMs: 7_200_000 }, HOUR)).toBe(7200);
    expect(lifetimeOf(asked('tools/list'), { ttlMs: 0 }, HOUR)).toBeNull();
    expect(lifetimeOf(asked('tools/list'), { ttlMs: 999 }, HOUR)).toBeNull();
    for (const ttlMs of [1e13, Number.MAX_SAFE_INTEGER, 1e300]) {
      expect(lifetimeOf(asked('tools/list'), { ttlMs }, HOUR)).toBe(31_536_000);
    }
  });

  it('is bounded by the operator and by the caller', () => {
    const capped = { server: { ttlCapSeconds: 20 } as McpServer };
    expect(lifetimeOf(asked('tools/list', capped), { ttlMs: 60_000 }, HOUR)).toBe(20);
    const wanted = { controls: { ...NO_CACHE_CONTROLS, ttlSeconds: 3 } };
    expect(lifetimeOf(asked('tools/list', { ...capped, ...wanted }), {}, HOUR)).toBe(3);
  });

  it('of a tool is what the operator says', () => {
    const permission = { cache: true, force: false, accounting: false, ttlSeconds: 42 };
    expect(lifetimeOf(asked('tools/call', { permission }), {}, HOUR)).toBe(42);
  });

  it('is short where nobody can tell of changes', () => {
    expect(lifetimeOf(asked('tools/list', { changes: 'unknown' }), {}, HOUR)).toBe(10);
  });

  it('trap 22: is short where the server tells of changes and nobody listens', () => {
    expect(isGoodAt(9, {}, false)).toBe(true);
    expect(isGoodAt(11, {}, false)).toBe(false);
    expect(isGoodAt(11, {}, true)).toBe(true);
    expect(isGoodAt(11, { ttlMs: 60_000 }, false)).toBe(true);
  });
});
