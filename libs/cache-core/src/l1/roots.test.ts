import { keyspace } from '../keyspace/keyspace.js';
import { rootsOf } from './roots.js';

describe('rootsOf', () => {
  const families = Object.values(keyspace);
  const roots = rootsOf(families, 'app1:');

  it('has a beginning for every key that L1 may hold, whatever its tenant', () => {
    for (const family of families.filter(({ l1 }) => l1)) {
      const beginning = `app1:${family.pattern.split('{', 1)[0] as string}`;
      expect(roots.filter((root) => beginning.startsWith(root))).toHaveLength(1);
    }
    expect(roots).toEqual(expect.arrayContaining(['app1:tenant:', 'app1:frames:']));
  });

  it('has none that begins with another, which Redis would refuse', () => {
    for (const root of roots) expect(roots.filter((other) => root.startsWith(other))).toEqual([root]);
  });

  it('has none for roles whose keys must be read from Redis', () => {
    const others = families.filter(({ role }) => role !== 'cache' && role !== 'llm');
    expect(rootsOf(others, '')).toEqual([]);
    for (const { pattern } of others) expect(roots.some((root) => `app1:${pattern}`.startsWith(root))).toBe(false);
  });
});
