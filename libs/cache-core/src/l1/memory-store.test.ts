import fc from 'fast-check';
import { MemoryStore } from './memory-store.js';

const KB = 1024;

describe('MemoryStore', () => {
  it('never takes more bytes than it may, and reckons what it holds to the byte', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 40 }).map(String),
      bytes: fc.integer({ min: 1, max: 800 }),
      what: fc.constantFrom('set', 'get', 'delete'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const store = new MemoryStore<{ key: string; bytes: number }>(10 * KB);
        const model = new Map<string, number>();
        for (const { key, bytes, what } of steps) {
          if (what === 'get') {
            const found = store.get(key);
            // What it gives is what was stored last under the key.
            if (found !== undefined) expect(found).toEqual({ key, bytes: model.get(key) });
          } else if (what === 'delete') {
            store.delete(key);
            model.delete(key);
            expect(store.get(key)).toBeUndefined();
          } else {
            if (store.set(key, { key, bytes }, bytes)) model.set(key, bytes);
            else model.delete(key);
            expect(bytes <= (10 * KB) / 16).toBe(store.get(key) !== undefined);
          }
          expect(store.bytes).toBeLessThanOrEqual(10 * KB);
        }
        const held = [...model].filter(([key]) => store.get(key) !== undefined);
        expect(held).toHaveLength(store.size);
        expect(held.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(store.bytes);
      }),
    );
  });

  it('lets a scan pass: what is read again and again stays', () => {
    const store = new MemoryStore<number>(100 * KB);
    const hot = Array.from({ length: 50 }, (_, n) => `hot${n}`);
    for (const [n, key] of hot.entries()) store.set(key, n, KB);
    for (const key of hot) store.get(key);
    for (let n = 0; n < 10_000; n += 1) {
      store.set(`scanned${n}`, n, KB);
      if (n % 40 === 0) for (const key of hot) store.get(key);
    }
    expect(hot.filter((key) => store.get(key) !== undefined)).toHaveLength(hot.length);
  });

  it('has room for what becomes hot after it was dropped', () => {
    const store = new MemoryStore<number>(100 * KB);
    for (let n = 0; n < 95; n += 1) store.set(`old${n}`, n, KB);
    for (let n = 0; n < 95; n += 1) store.get(`old${n}`);
    store.set('new', 1, KB);
    for (let n = 0; n < 60; n += 1) store.set(`once${n}`, n, KB);
    expect(store.get('new')).toBeUndefined();
    store.set('new', 1, KB);
    for (let n = 0; n < 60; n += 1) store.set(`once more${n}`, n, KB);
    expect(store.get('new')).toBe(1);
  });

  it('keeps nothing at 0 bytes', () => {
    const store = new MemoryStore<number>(0);
    expect(store.set('k', 1, 1)).toBe(false);
    expect(store.get('k')).toBeUndefined();
  });

  it('lets go of what a predicate names, and of everything', () => {
    const store = new MemoryStore<number>(100 * KB);
    for (let n = 0; n < 10; n += 1) store.set(`k${n}`, n, KB);
    store.deleteWhere((entry) => entry % 2 === 0);
    expect(store.size).toBe(5);
    store.clear();
    expect([store.size, store.bytes]).toEqual([0, 0]);
  });
});
