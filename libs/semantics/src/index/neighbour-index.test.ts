import fc from 'fast-check';
import { toUnit } from '../embedding/vector.js';
import { NeighbourIndex } from './neighbour-index.js';

const DIMENSIONS = 5;
const vector = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: DIMENSIONS, maxLength: DIMENSIONS })
  .map((numbers) => toUnit(Float32Array.from(numbers)));

describe('the index of neighbours', () => {
  it('for all vectors, additions and removals: finds the nearest that are left, as looking at each does', () => {
    const step = fc.record({ id: fc.integer({ min: 0, max: 30 }), vector, remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), vector, (steps, asked) => {
        const index = new NeighbourIndex<number>(DIMENSIONS, 12);
        const kept = new Map<number, Float32Array>();
        for (const { id, vector: its, remove } of steps) {
          if (remove) {
            expect(index.delete(String(id))).toBe(kept.delete(id));
            continue;
          }
          kept.delete(id);
          if (kept.size >= 12) kept.delete(kept.keys().next().value as number);
          kept.set(id, its);
          expect(index.set(String(id), its, id)).toBe(true);
        }
        expect(index.size).toBe(kept.size);
        const similarities = [...kept.values()]
          .map((its) => its.reduce((sum, part, at) => sum + part * (asked[at] as number), 0))
          .toSorted((a, b) => b - a);
        const found = index.nearest(asked, 3);
        expect(found).toHaveLength(Math.min(3, kept.size));
        for (const [at, { similarity, value }] of found.entries()) {
          expect(similarity).toBeCloseTo(similarities[at] ?? 9, 5);
          expect(kept.has(value)).toBe(true);
        }
      }),
    );
  });

  it('knows what its values take, whatever has replaced them', () => {
    const index = new NeighbourIndex<number>(1, 2);
    const unit = Float32Array.from([1]);
    const empty = index.bytes;
    for (const [at, id] of ['a', 'a', 'b', 'c'].entries()) index.set(id, unit, at, 10 ** at);
    expect(index.bytes - empty).toBe(1_100);
    index.delete('b');
    expect(index.bytes - empty).toBe(1_000);
  });

  it('takes no vector of another space', () => {
    const index = new NeighbourIndex<number>(3, 4);
    expect(index.set('a', new Float32Array(4), 1)).toBe(false);
    index.set('b', Float32Array.from([1, 0, 0]), 2);
    expect(index.nearest(new Float32Array(4), 1)).toEqual([]);
    expect(index.get('b')).toBe(2);
    expect(index.get('a')).toBeUndefined();
  });
});
