import { UnknownKeys } from './unknown-keys.js';

describe('UnknownKeys', () => {
  it('remembers for a while and then forgets', () => {
    const keys = new UnknownKeys(100, 60_000);
    keys.add('a', 0);
    expect(keys.has('a', 29_000)).toBe(true);
    expect(keys.has('a', 45_000)).toBe(true);
    expect(keys.has('a', 200_000)).toBe(false);
    expect(keys.has('b', 200_000)).toBe(false);
  });

  it('stays within its bound in a flood, and keeps the latest', () => {
    const keys = new UnknownKeys(100, 60_000);
    for (let count = 0; count < 100_000; count += 1) {
      keys.add(`key ${count}`, 1);
      expect(keys.size).toBeLessThanOrEqual(100);
    }
    expect(keys.has('key 99999', 1)).toBe(true);
    expect(keys.has('key 0', 1)).toBe(false);
  });

  it('lets one be taken out again', () => {
    const keys = new UnknownKeys(100, 60_000);
    keys.add('a', 0);
    keys.delete('a');
    expect(keys.has('a', 0)).toBe(false);
  });
});
