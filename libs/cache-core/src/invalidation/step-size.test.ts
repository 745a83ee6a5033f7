import * as fc from 'fast-check';
import { StepSize } from './step-size.js';

const BOUNDS = { least: 10, most: 2000, targetMs: 2 };

/** The sizes of some steps at a server that takes so long for one key, at the end of a line of that length. */
function sizesAt(msPerKey: number, wayMs: number, steps = 300): number[] {
  const size = new StepSize(BOUNDS);
  return Array.from({ length: steps }, () => {
    const asked = size.next;
    size.took(wayMs + asked * msPerKey);
    return asked;
  });
}

describe('the size of a step', () => {
  test('never asks for more than 5 ms of a server, however fast it and the way to it are', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.0001, max: 0.05, noNaN: true }),
        fc.double({ min: 0.05, max: 50, noNaN: true }),
        (msPerKey, wayMs) => {
          const sizes = sizesAt(msPerKey, wayMs);
          expect(Math.max(...sizes) * msPerKey).toBeLessThan(5);
          expect(Math.min(...sizes)).toBeGreaterThanOrEqual(BOUNDS.least);
          expect(Math.max(...sizes)).toBeLessThanOrEqual(BOUNDS.most);
        },
      ),
    );
  });

  test('is not small for no reason', () => {
    expect(Math.max(...sizesAt(0.0005, 40))).toBe(BOUNDS.most);
    expect(sizesAt(0.01, 0.1).at(-1)).toBeGreaterThan(60);
  });

  test('shrinks when the server gets slower', () => {
    const size = new StepSize(BOUNDS);
    for (let step = 0; step < 40; step += 1) size.took(0.2);
    expect(size.next).toBe(BOUNDS.most);
    for (let step = 0; step < 20; step += 1) size.took(20);
    expect(size.next).toBe(BOUNDS.least);
  });
});
