import * as fc from 'fast-check';
import { normaliseCompanyName } from './company-name.js';

describe('normaliseCompanyName', () => {
  it.each([
    ['Peña S.A.', 'pena_s.a.'],
    ['pena s.a.', 'pena_s.a.'],
    ['PEÑA\u00a0S.A.', 'pena_s.a.'],
    ['  Pen\u0303a   S.A.\t', 'pena_s.a.'],
    ['Ｐｅñａ Ｓ.Ａ.', 'pena_s.a.'],
    ['Café & Té', 'cafe_&_te'],
    ['İstanbul ℐnc', 'istanbul_inc'],
    ['ﬁnance', 'finance'],
    ['Straße', 'straße'],
    ['ガス', 'ガス'],
    ['हिन्दी', 'हिन्दी'],
    ['', ''],
  ])('folds %j to %j', (name, folded) => {
    expect(normaliseCompanyName(name)).toBe(folded);
  });

  it('is its own normal form, without white space or capitals', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
        const folded = normaliseCompanyName(name);
        expect(normaliseCompanyName(folded)).toBe(folded);
        expect(folded).not.toMatch(/\s/u);
        expect(folded.toLowerCase()).toBe(folded);
      }),
      { numRuns: 5000 },
    );
  });
});
