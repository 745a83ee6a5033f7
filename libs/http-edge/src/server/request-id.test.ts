import { requestIdOf } from './request-id.js';

const idFor = (given?: string): string =>
  requestIdOf({ headers: given === undefined ? {} : { 'x-request-id': given } });

describe('the id of a request', () => {
  it('is the caller’s own where that is sane', () => {
    expect(idFor('checkout-7/attempt.2')).toBe('checkout-7/attempt.2');
    for (const insane of ['', ' x', 'a\nb', 'ñ', `a${'x'.repeat(128)}`]) expect(idFor(insane)).not.toBe(insane);
  });

  it('is a UUID of version 7 otherwise: unique, and in the order of time', () => {
    const before = Date.now();
    const ids = Array.from({ length: 10_000 }, () => idFor());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const times = ids.map((id) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(times[0]).toBeGreaterThanOrEqual(before);
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now());
  });
});
