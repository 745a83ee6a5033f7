import { deepFreeze } from './deep-freeze.js';
import { heapBytesOf } from './heap-bytes.js';

describe('heapBytesOf', () => {
  it('grows with what a value holds, twice as fast with wide characters', () => {
    expect(heapBytesOf('x'.repeat(1000), 0)).toBeGreaterThanOrEqual(1000);
    expect(heapBytesOf('ж'.repeat(1000), 0)).toBeGreaterThanOrEqual(2000);
    expect(heapBytesOf(Buffer.alloc(1000), 0)).toBeGreaterThanOrEqual(1000);
    expect(heapBytesOf([[1, 2], { a: 'b' }], 0)).toBeGreaterThan(heapBytesOf([[1, 2]], 0));
  });

  it('is at least the source of a slice, and of an instance that it cannot look into', () => {
    expect(heapBytesOf({ part: Buffer.alloc(10) }, 5000)).toBeGreaterThanOrEqual(5000);
    expect(heapBytesOf({ it: new Date() }, 5000)).toBeGreaterThanOrEqual(5000);
    expect(heapBytesOf({ it: 'text' }, 5000)).toBeLessThan(5000);
  });

  it('takes values that are nested deeper than the stack', () => {
    const deep = JSON.parse('['.repeat(200_000) + ']'.repeat(200_000)) as unknown;
    expect(heapBytesOf(deep, 0)).toBeGreaterThan(200_000);
    expect(() => deepFreeze(deep)).not.toThrow();
  });
});

describe('deepFreeze', () => {
  it('freezes objects and arrays all the way down, and leaves bytes alone', () => {
    const value = { list: [{ n: 1 }], bytes: Buffer.from('x') };
    deepFreeze(value);
    expect(Object.isFrozen(value.list[0])).toBe(true);
    value.bytes[0] = 1;
    expect(value.bytes[0]).toBe(1);
  });
});
