/** Combining marks that accents decompose into. Vowel signs of other scripts are letters, not accents, and stay. */
const ACCENTS = /[\u0300-\u036f]|[\u1ab0-\u1aff]|[\u1dc0-\u1dff]|[\u20d0-\u20ff]|[\ufe20-\ufe2f]/gu;

/**
 * One company, however its name was typed: `Peña S.A.` and `  pena  s.a. ` are both `pena_s.a.`.
 *
 * Unicode NFKC, accents folded, lower case, each run of white space one `_`. Lower-casing and compatibility forms can
 * each bring back work for the other (`İ`, `ℐ`), so it is repeated until nothing changes; the result is its own normal form.
 */
export function normaliseCompanyName(name: string): string {
  let current = name.trim();
  for (;;) {
    const next = current
      .normalize('NFKC')
      .toLowerCase()
      .normalize('NFKD')
      .replaceAll(ACCENTS, '')
      .normalize('NFKC')
      .replaceAll(/\s+/gu, '_');
    if (next === current) return next;
    current = next;
  }
}
