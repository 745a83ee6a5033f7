import { mutate } from '../src/mutations/mutation.js';
import { MUTATIONS } from '../src/mutations/mutations.js';
import { CLAIMS } from '../src/proof/claims.js';

/** Whether each is noticed, and still matches the code, is what `npm run mutations` says. */
describe('the mutations', () => {
  test('have names of their own, and take something away from each claim', () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
    expect(Object.keys(CLAIMS).filter((claim) => !MUTATIONS.some((one) => one.claim === claim))).toEqual([]);
  });

  test('match exactly once, or the run fails', () => {
    const mutation = { name: 'm', claim: 'fresh', file: 'f.ts', from: 'a', to: 'b' } as const;
    expect(mutate('xax', mutation)).toBe('xbx');
    expect(() => mutate('xx', mutation)).toThrow('0 times');
    expect(() => mutate('aa', mutation)).toThrow('2 times');
  });
});
