import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutate } from '../src/mutations/mutation.js';
import { MUTATIONS } from '../src/mutations/mutations.js';
import { CLAIMS } from '../src/proof/claims.js';

const CORE = join(import.meta.dirname, '../../../libs/cache-core/src');

/** Whether each is noticed is what `npm run mutations` says. */
describe('the mutations', () => {
  test('have names of their own, and take something away from each claim', () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
    expect(Object.keys(CLAIMS).filter((claim) => !MUTATIONS.some((one) => one.claim === claim))).toEqual([]);
  });

  test.each(MUTATIONS)('$name: what it takes away is in the code', (mutation) => {
    const source = readFileSync(join(CORE, mutation.file), 'utf8');
    expect(mutate(source, mutation)).not.toBe(source);
  });

  test('match exactly once, or the run fails', () => {
    const mutation = { name: 'm', claim: 'fresh', file: 'f.ts', from: 'a', to: 'b' } as const;
    expect(mutate('xax', mutation)).toBe('xbx');
    expect(() => mutate('xx', mutation)).toThrow('0 times');
    expect(() => mutate('aa', mutation)).toThrow('2 times');
  });
});
