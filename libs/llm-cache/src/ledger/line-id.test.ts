import { lineId } from './line-id.js';

describe('the id of a line', () => {
  it('is a UUID of version 7 that begins with its time', () => {
    const id = lineId(0x0123456789ab);
    expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(lineId(1)).toMatch(/^00000000-0001-7/);
  });

  it('is another one each time, and stands behind those of earlier moments', () => {
    const ids = Array.from({ length: 1000 }, (_, at) => lineId(1_800_000_000_000 + Math.floor(at / 10)));
    expect(new Set(ids).size).toBe(1000);
    const times = ids.map((id) => id.slice(0, 13));
    expect(times.toSorted()).toEqual(times);
  });
});
