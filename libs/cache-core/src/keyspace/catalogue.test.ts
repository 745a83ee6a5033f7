import { Catalogue } from './catalogue.js';
import { companions } from './companion.js';
import { Family } from './family.js';
import { oneOf, type SegmentShape } from './segment-shape.js';
import { text } from './values/string-values.js';

function family(pattern: string, segments: Readonly<Record<string, SegmentShape>> = {}, id = pattern): Family {
  return new Family({
    id,
    pattern,
    segments,
    role: 'cache',
    description: '',
    value: text(''),
    ttlSeconds: 60,
  });
}

const together = (...families: Family[]) => new Catalogue(families, Object.values(companions));
const refusal = expect.objectContaining({ code: 'declaration' });

describe('families that could give one key', () => {
  it.each([
    ['the same pattern', 'a:{x}', 'a:{y}'],
    ['a literal where the other has any text', 'config:api', 'config:{key}'],
    ['literals and texts crosswise', 'm:{x}:b', 'm:a:{y}'],
    ['two hashes', 'c:{hash}', 'c:{query_hash}'],
    ['a hash and any text', 'c:{hash}', 'c:{name}'],
    ['a day and an hour of the same length', 'h:{date}', 'h:{hour}'],
  ])('are refused: %s', (_what, left, right) => {
    expect(() => together(family(left), family(right))).toThrow(refusal);
    expect(() => together(family(right), family(left))).toThrow(refusal);
  });

  it.each([
    [
      'another number of segments',
      'ai:generation:{model}:{prompt_hash}',
      'ai:generation:meta:{campana_id}:{segmento_hash}',
    ],
    ['other literals in the same places', 'content:by_id:{x}', 'content:search:{x}'],
    ['a literal that no hash can be', 'c:{hash}', 'c:latest'],
    ['shapes of different lengths', 'x:{uuid}', 'x:{hash}'],
    ['a day and a minute', 'x:{date}', 'x:{yyyy-mm-dd-HH-MM}'],
  ])('are admitted with %s', (_what, left, right) => {
    expect(together(family(left), family(right)).families).toHaveLength(2);
  });

  it('knows closed lists of values', () => {
    const high = family('q:{p}', { p: oneOf('high', 'low') });
    expect(together(high, family('q:other')).families).toHaveLength(2);
    expect(together(high, family('q:{r}', { r: oneOf('idle') })).families).toHaveLength(2);
    expect(together(high, family('q:{hash}')).families).toHaveLength(2);
    expect(() => together(high, family('q:high'))).toThrow(refusal);
    expect(() => together(high, family('q:{r}', { r: oneOf('low', 'idle') }))).toThrow(refusal);
    expect(() => together(high, family('q:{x}'))).toThrow(refusal);
  });
});

describe('a declaration', () => {
  it.each([
    ['begins with a segment', '{x}:a'],
    ['mixes literal and segment', 'a:b{x}'],
    ['has an empty part', 'a::{x}'],
    ['has a literal that is no name', 'a:B*'],
    ['names a segment twice', 'a:{x}:{x}'],
  ])('is refused when its pattern %s', (_what, pattern) => {
    expect(() => family(pattern)).toThrow(refusal);
  });

  it.each(['tenant:{x}', 'meta:{x}', 'lease:{x}', 'frames:a'])('cannot begin with what is reserved: %s', (pattern) => {
    expect(() => together(family(pattern))).toThrow(refusal);
  });

  it('cannot have an id that is taken, a segment named tenant, or a TTL at odds with its expiry', () => {
    expect(() => together(family('a:{x}', {}, 'same'), family('b:{x}', {}, 'same'))).toThrow(refusal);
    expect(() => together(family('a:{tenant}'))).toThrow(refusal);
    const base = { id: 'f', pattern: 'a:{x}', role: 'cache', description: '', value: text('') } as const;
    expect(() => together(new Family({ ...base, ttlSeconds: null, expiry: 'sliding' }))).toThrow(refusal);
    expect(() => together(new Family({ ...base, ttlSeconds: 60, expiry: 'never' }))).toThrow(refusal);
    const range = { min: 100, max: 200 };
    expect(() => together(new Family({ ...base, ttlSeconds: 60, ttlRange: range }))).toThrow(refusal);
  });
});
